// A driver's folder: where its module and its fixture are.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { DriverFixture, Lacks } from '../../../driver-kit/conformance/fixture.ts';
import { SyncerError } from '../../../proto/errors.ts';
import { locateDriver, type DriverLocation } from '../../registry/plugin/locate.ts';
import { provideKit } from '../../registry/plugin/provide-kit.ts';

/** What a fixture's module exports. */
interface FixtureModule {
  readonly makeFixture: () => Promise<DriverFixture>;
  readonly lacks?: Lacks;
}

export interface DriverProject {
  readonly location: DriverLocation;
  /** Loads the fixture; it runs in this process, as the application that it is. */
  readonly loadFixture: () => Promise<FixtureModule>;
}

const packageShape = z.object({
  syncer: z.object({ driver: z.string().optional(), fixture: z.string().optional() }).optional(),
});

/** Gives what is in `folder`; throws a `SyncerError` that names what is missing. */
export function openProject(folder: string): DriverProject {
  const root = resolve(folder);
  const facts = packageFacts(root);
  const driver = facts?.driver ?? firstOf(root, ['driver.ts', 'driver.js', 'driver.mjs']);
  const fixture = facts?.fixture ?? firstOf(root, ['fixture.ts', 'fixture.js', 'fixture.mjs']);
  if (driver === undefined) throw unusable(folder, 'driver.ts');
  if (fixture === undefined) throw unusable(folder, 'fixture.ts');
  return {
    location: locate(join(root, driver), folder),
    async loadFixture() {
      provideKit();
      const { url } = locate(join(root, fixture), folder);
      const module = (await import(url)) as Partial<FixtureModule>;
      if (typeof module.makeFixture !== 'function') throw unusable(folder, 'export makeFixture');
      return module as FixtureModule;
    },
  };
}

function packageFacts(root: string): z.output<typeof packageShape>['syncer'] {
  const file = join(root, 'package.json');
  if (!existsSync(file)) return undefined;
  try {
    return packageShape.parse(JSON.parse(readFileSync(file, 'utf8'))).syncer;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('request.file-unreadable', { file, reason }, thrown);
  }
}

function firstOf(root: string, names: readonly string[]): string | undefined {
  return names.find((name) => existsSync(join(root, name)));
}

function locate(path: string, folder: string): DriverLocation {
  try {
    return { wanted: path, url: locateDriver(path, folder).url };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('request.file-unreadable', { file: path, reason }, thrown);
  }
}

function unusable(folder: string, expected: string): SyncerError {
  return new SyncerError('request.wrong-argument', { argument: 'DIR', value: folder, expected });
}
