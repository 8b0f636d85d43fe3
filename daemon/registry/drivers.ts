// The drivers that come with the daemon, by the name that `--sc-plugin` gives.

import type { RegistryDriver } from './driver.ts';
import { createEurekaDriver } from './eureka/driver.ts';
import { createServiceCenterDriver, type DriverEnvironment } from './servicecenter/driver.ts';
import { parseServiceCenterOptions } from './servicecenter/options.ts';

type DriverFactory = (options: unknown, environment: DriverEnvironment) => RegistryDriver;

const drivers: Readonly<Record<string, DriverFactory>> = {
  servicecenter: (options, environment) =>
    createServiceCenterDriver(parseServiceCenterOptions(options), environment),
  eureka: createEurekaDriver,
};

/** Names of the built-in drivers. */
export const driverNames: readonly string[] = Object.keys(drivers);

/**
 * Gives a driver by its name. `options` is what the driver's own options type says, checked here;
 * throws an error that names what is wrong with name or options and the remedy.
 */
export function createDriver(
  name: string,
  options: unknown,
  environment: DriverEnvironment,
): RegistryDriver {
  const factory = Object.hasOwn(drivers, name) ? drivers[name] : undefined;
  if (factory === undefined) {
    const near = nearest(name);
    throw new Error(
      `there is no registry driver '${name}'; the nearest is '${near}' ` +
        `(there are: ${driverNames.join(', ')})`,
    );
  }
  return factory(options, environment);
}

function nearest(name: string): string {
  const byDistance = [...driverNames].sort(
    (left, right) => distance(name, left) - distance(name, right),
  );
  return byDistance[0] ?? '';
}

/** Letters to add, take away or change between two names (Levenshtein), whatever their case. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  // Names are short; whatever is longer is as far as its length.
  for (const [index, letter] of Array.from(left.toLowerCase().slice(0, 64)).entries()) {
    const next = [index + 1];
    for (let at = 1; at <= right.length; at += 1) {
      const change = (row[at - 1] ?? 0) + (letter === right[at - 1]?.toLowerCase() ? 0 : 1);
      next.push(Math.min(change, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? right.length;
}
