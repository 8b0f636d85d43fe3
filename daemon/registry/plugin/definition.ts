// What a driver from outside says of itself: plain data that crosses threads, and the one function that
// makes it. `defineDriver` is what an author calls (driver-kit/README.md).

import type { DriverEnvironment, RegistryDriver } from '../driver.ts';
import type { ContentRules } from './content-rules.ts';

/**
 * The version of everything that a driver and the syncer agree on: the definition, the port, the model.
 * It changes when a driver written for the old one would do wrong with the new one.
 */
export const driverApi = 1;

/** A text in both languages; English stands in where the Chinese one is missing. */
export interface LocalText {
  readonly en: string;
  readonly 'zh-CN'?: string | undefined;
}

/** One option of a driver: `registry.options.<name>` in the configuration. */
export interface DriverOption {
  readonly type: 'text' | 'number' | 'boolean' | 'list';
  readonly about: LocalText;
  readonly required?: boolean | undefined;
  readonly default?: string | number | boolean | readonly string[] | undefined;
  /** Never shown. */
  readonly secret?: boolean | undefined;
  /** The words that a text may be. */
  readonly words?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}

/** What a driver says of itself; data alone. */
export interface DriverDescription {
  /** The `driverApi` that it was written for. */
  readonly api: number;
  /** What `status` calls the registry: lower case, one word. */
  readonly kind: string;
  readonly title: LocalText;
  /** The driver's own version. */
  readonly version: string;
  /** An SVG picture of at most 16 KiB. */
  readonly icon?: string | undefined;
  readonly options: Readonly<Record<string, DriverOption>>;
  /** Its own errors: a code to what it says. */
  readonly errors: Readonly<Record<string, LocalText>>;
  /** What becomes of content that its registry cannot hold. */
  readonly content: ContentRules;
  /** Largest number of leases worth putting in one `renew`. */
  readonly renewBatchSize: number;
}

/** What a driver makes: the port without what its description says already. */
export type PluginDriver = Omit<RegistryDriver, 'kind' | 'normalise' | 'renewBatchSize'>;

/** What a driver takes from the world, beside its options. */
export interface PluginEnvironment extends DriverEnvironment {
  /** Gives the text of one of the driver's own errors, with its code before it. */
  errorText(code: string, detail?: string): string;
}

export type OptionValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface DriverDefinition extends DriverDescription {
  /** Makes the driver; throws for options that only the driver can judge. Asks the registry nothing. */
  create(options: OptionValues, environment: PluginEnvironment): PluginDriver;
}

/** What an author writes: everything that has a usual value may be left out. */
export type DriverDraft = Pick<DriverDefinition, 'api' | 'kind' | 'title' | 'create'> &
  Partial<Omit<DriverDefinition, 'api' | 'kind' | 'title' | 'create'>>;

/** Gives the definition that a module exports as `driver`. */
export function defineDriver(draft: DriverDraft): DriverDefinition {
  return {
    version: '0.0.0',
    options: {},
    errors: {},
    content: {},
    renewBatchSize: 100,
    ...draft,
  };
}

/** Gives a text in a language. */
export function inLanguage(text: LocalText, language: string): string {
  return language === 'zh-CN' ? (text['zh-CN'] ?? text.en) : text.en;
}
