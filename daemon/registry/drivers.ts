// A driver by what `--sc-plugin` gives: the name of one that comes with the daemon, or a place.

import { createConsulDriver } from './consul/driver.ts';
import type { DriverName } from './driver-names.ts';
import type { DriverEnvironment, RegistryDriver } from './driver.ts';
import { createEurekaDriver } from './eureka/driver.ts';
import { createNacosDriver } from './nacos/driver.ts';
import { chooseDriver } from './plugin/choose.ts';
import { completeOptions } from './plugin/option-values.ts';
import { createPluginDriver } from './plugin/plugin-driver.ts';
import { createServiceCenterDriver } from './servicecenter/driver.ts';
import { parseServiceCenterOptions } from './servicecenter/options.ts';

type DriverFactory = (options: unknown, environment: DriverEnvironment) => RegistryDriver;

const drivers: Readonly<Record<DriverName, DriverFactory>> = {
  servicecenter: (options, environment) =>
    createServiceCenterDriver(parseServiceCenterOptions(options), environment),
  eureka: createEurekaDriver,
  consul: createConsulDriver,
  nacos: createNacosDriver,
};

/**
 * Gives the driver that `wanted` means: built in, a file, or an installed package. `options` is what a
 * built-in driver's own options type says, `pluginOptions` what a driver from outside says of its own;
 * both are checked here. Throws an error that names what is wrong with name or options and the remedy.
 */
export function createDriver(
  wanted: string,
  options: unknown,
  environment: DriverEnvironment,
  pluginOptions: Readonly<Record<string, unknown>> = {},
): RegistryDriver {
  const chosen = chooseDriver(wanted);
  if (chosen.kind === 'built-in') return drivers[chosen.name](options, environment);
  const { location, description } = chosen;
  const values = completeOptions(description, pluginOptions);
  return createPluginDriver({ location, description, options: values }, environment);
}
