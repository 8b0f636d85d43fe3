// What the readers of the other kinds of registry share: how the documented tables
// (daemon/registry/*/README.md) spell a service and what it holds. No code of the product.

type Texts = Readonly<Record<string, string>>;

export interface ServiceKeyParts {
  readonly app: string;
  readonly name: string;
  readonly version: string;
  readonly environment: string;
}

/** The key as `FoundService` has it. */
export function keyText({ environment, app, name, version }: ServiceKeyParts): string {
  return [environment, app, name, version].join('|');
}

/** The version of an application that says one in the way of its kind. */
export function saidVersion(metadata: Texts): string {
  const { version } = metadata;
  return version !== undefined && /^\d{1,5}(\.\d{1,5}){0,3}$/.test(version) ? version : '0.0.1';
}

/** What a service holds beside its key, as far as every kind can tell: what is not said, is left out. */
export function commonContent(said: {
  readonly alias?: string;
  readonly description?: string;
  readonly level?: string;
  readonly tags?: Texts;
  readonly schemas?: readonly {
    readonly id: string;
    readonly summary: string;
    readonly text?: string;
  }[];
  readonly paths?: readonly unknown[];
}): string {
  const {
    alias = '',
    description = '',
    level = 'BACK',
    tags = {},
    schemas = [],
    paths = [],
  } = said;
  return sortedJson({ alias, description, level, tags, schemas, paths });
}

/** The text that copies carry of their service, as JSON; nothing where it is none. */
export function jsonIn(text: string | undefined): Readonly<Record<string, any>> {
  return text === undefined ? {} : (JSON.parse(text) as Record<string, any>);
}

/** The three parts of a place, as copies carry them. */
export function placeIn(text: string | undefined): Texts | undefined {
  if (text === undefined) return undefined;
  const [name = '', region = '', availableZone = ''] = JSON.parse(text) as string[];
  return { name, region, availableZone };
}

/** An id of a service as stamps name it: the name, then what differs from the usual, in order. */
export function idText(name: string, parts: readonly string[]): string {
  return [name, ...parts].map(encodeURIComponent).join(':').replace(/:+$/, '');
}

/** JSON with the keys of every object in order, so that equal content is equal text. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
