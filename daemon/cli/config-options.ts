// The flags of the configuration, as the schema names them, for the commands that read it.

import { aboutKey, configKeys } from '../config/keys.ts';
import { loadConfig, type ConfigInput, type LoadedConfig } from '../config/load.ts';
import { readConfigText, thisMachine } from '../config/machine.ts';
import type { OptionSpec, OptionValues } from './command.ts';
import type { CliIo } from './io.ts';

/** `--config` and a flag for every key that has one. */
export const configOptions: readonly OptionSpec[] = [
  { flags: '--config <file>', about: 'cli.option.config' },
  ...configKeys.flatMap(({ flag, argument, path }) =>
    flag === undefined ? [] : [{ flags: `--${flag} <${argument}>`, about: aboutKey(path) }],
  ),
];

const flagNames = new Set(
  configOptions.map(({ flags }) => camelCase(flags.slice(2, flags.indexOf(' ')))),
);

/** Gives what the configuration is loaded from: options, environment, files, machine. */
export function configInput(options: OptionValues, io: CliIo): ConfigInput {
  const flags = Object.entries(options).filter(
    (entry): entry is [string, string] => flagNames.has(entry[0]) && typeof entry[1] === 'string',
  );
  return {
    flags: Object.fromEntries(flags),
    environment: io.environment,
    readFile: readConfigText,
    machine: thisMachine(io.environment),
  };
}

/** Loads the configuration that the options and the environment give. Never throws. */
export function loadFrom(options: OptionValues, io: CliIo): LoadedConfig {
  return loadConfig(configInput(options, io));
}

/** As commander names its options. */
function camelCase(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
