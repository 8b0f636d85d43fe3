// A driver that is one file needs no package installed: the kit comes with the syncer, unless the
// driver brings its own.

import { registerHooks } from 'node:module';

const kit = '@servicecenter-syncer/driver-kit';
const own: Readonly<Record<string, string>> = import.meta.url.endsWith('.ts')
  ? {
      [kit]: new URL('../../../driver-kit/index.ts', import.meta.url).href,
      [`${kit}/testing`]: new URL('../../../driver-kit/testing.ts', import.meta.url).href,
    }
  : {
      [kit]: new URL('./driver-kit/index.js', import.meta.url).href,
      [`${kit}/testing`]: new URL('./driver-kit/testing.js', import.meta.url).href,
    };
let provided = false;

/** Makes the kit's names known to modules that are imported later by this thread. */
export function provideKit(): void {
  if (provided) return;
  provided = true;
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!Object.hasOwn(own, specifier)) throw error;
        return { url: own[specifier] ?? specifier, shortCircuit: true };
      }
    },
  });
}
