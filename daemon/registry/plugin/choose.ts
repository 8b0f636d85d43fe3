// Which driver a name means: one that is built in, or one from outside with what it says of itself.

import { nearest } from '../../support/nearest.ts';
import { driverNames, type DriverName } from '../driver-names.ts';
import type { DriverDescription } from './definition.ts';
import { describeDriver } from './describe.ts';
import { isPlace, locateDriver, type DriverLocation } from './locate.ts';

export type ChosenDriver =
  | { readonly kind: 'built-in'; readonly name: DriverName }
  | {
      readonly kind: 'plugin';
      readonly location: DriverLocation;
      readonly description: DriverDescription;
    };

const known = new Map<string, ChosenDriver>();

/**
 * Gives the driver that `wanted` means, seen from `directory`. Loads a driver from outside once for each
 * place, in a thread of its own, and waits for it. Throws an error with the reason and the remedy.
 */
export function chooseDriver(wanted: string, directory = process.cwd()): ChosenDriver {
  const name = driverNames.find((builtIn) => builtIn === wanted);
  if (name !== undefined) return { kind: 'built-in', name };
  const location = locate(wanted, directory);
  const key = `${location.url} ${wanted}`;
  const found = known.get(key) ?? {
    kind: 'plugin',
    location,
    description: describeDriver(location),
  };
  known.set(key, found);
  return found;
}

/** A word that is no place is rather a built-in name with a mistake in it than a package. */
function locate(wanted: string, directory: string): DriverLocation {
  if (isPlace(wanted)) return locateDriver(wanted, directory);
  try {
    return locateDriver(wanted, directory);
  } catch (error) {
    const near = nearest(wanted, driverNames);
    throw new Error(
      `there is no registry driver '${wanted}'` +
        (near === undefined ? '' : `; the nearest is '${near}'`) +
        ` (there are: ${driverNames.join(', ')}); and as a package or a file: ` +
        (error instanceof Error ? error.message : String(error)),
      { cause: error },
    );
  }
}
