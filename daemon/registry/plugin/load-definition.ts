// Imports a driver's module. Runs in the driver's own thread alone: what it throws, prints or starts
// stays there.

import { readDescription } from './border.ts';
import type { DriverDefinition, DriverDescription } from './definition.ts';
import { provideKit } from './provide-kit.ts';

/** Gives the definition that the module at `url` exports as `driver` or by default. Throws why not. */
export async function loadDefinition(
  url: string,
): Promise<{ readonly definition: DriverDefinition; readonly description: DriverDescription }> {
  provideKit();
  const module = (await import(url)) as { readonly driver?: unknown; readonly default?: unknown };
  const found = module.driver ?? module.default;
  if (typeof found !== 'object' || found === null) {
    throw new Error('it exports no driver: write `export const driver = defineDriver({ … })`');
  }
  const { create, ...data } = found as Partial<DriverDefinition>;
  const description = readDescription(data);
  if (typeof create !== 'function')
    throw new Error('its definition is wrong: create is no function');
  return { definition: found as DriverDefinition, description };
}
