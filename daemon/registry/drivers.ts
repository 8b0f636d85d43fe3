// The drivers that come with the daemon, by the name that `--sc-plugin` gives.

import { nearest } from '../support/nearest.ts';
import type { DriverEnvironment, RegistryDriver } from './driver.ts';
import { createEurekaDriver } from './eureka/driver.ts';
import { createServiceCenterDriver } from './servicecenter/driver.ts';
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
    const near = nearest(name, driverNames);
    throw new Error(
      `there is no registry driver '${name}'` +
        (near === undefined ? '' : `; the nearest is '${near}'`) +
        ` (there are: ${driverNames.join(', ')})`,
    );
  }
  return factory(options, environment);
}
