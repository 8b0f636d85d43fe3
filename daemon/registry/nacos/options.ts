// What a Nacos driver is told, and the defaults of the rest.

import { z } from 'zod';

const text = z.string();
const optionsShape = z.strictObject({
  /** Base addresses of the servers of one cluster (`http://host:8848/nacos`), tried in this order. */
  addresses: z.array(text).min(1),
  /** Each project is a namespace of that id; `default` is `namespace`. Domains: README.md, "Tenants". */
  tenants: z.array(z.strictObject({ domain: text, projects: z.array(text) })).exactOptional(),
  /** Id of the namespace that stands for the project `default`. */
  namespace: z
    .string()
    .regex(/^[\w-]{1,128}$/, 'takes letters, digits, _ and -, 128 at most')
    .prefault('public'),
  /** PEM texts, not paths. */
  tls: z
    .strictObject({
      ca: text.exactOptional(),
      cert: text.exactOptional(),
      key: text.exactOptional(),
      passphrase: text.exactOptional(),
      /** Accepts any certificate of the server. For trials only. */
      insecure: z.boolean().exactOptional(),
    })
    .exactOptional(),
  /** User of the Nacos; without it nothing is logged in. */
  credentials: z.strictObject({ name: text, password: text }).exactOptional(),
  /** Shortest time between two rounds. Raising it costs the registry less and shows changes later. */
  pollMinMs: z.number().positive().prefault(200),
  /** Deadline of one read or write. Raising it finds a dead server later. */
  requestTimeoutMs: z.number().positive().prefault(10_000),
  /** Connections for writes, per address. Raising it writes faster and lets the registry breathe less. */
  writeConnections: z.int().positive().prefault(8),
  /** Services in one page of a reading. Lowering it makes smaller answers that fit together less often. */
  pageSize: z.int().positive().prefault(5_000),
  /** How long owners get to come back where no lease is known (a registry that was empty). */
  ownersWaitMs: z.number().positive().prefault(120_000),
});

/** One server. */
export interface NacosAddress {
  readonly origin: string;
  /** Path of the API without a final slash, `/nacos` as a rule. */
  readonly basePath: string;
  /** Origin and path; for people. */
  readonly shown: string;
}

type Options = z.output<typeof optionsShape>;

export interface NacosSettings extends Omit<Options, 'addresses' | 'tenants'> {
  readonly addresses: readonly NacosAddress[];
  /** Projects that are read, each a namespace of its own. */
  readonly projects: readonly string[];
}

/** Gives the settings out of anything; throws an error that names key, value and remedy. */
export function nacosSettings(options: unknown): NacosSettings {
  const parsed = optionsShape.safeParse(options);
  if (!parsed.success) {
    throw new Error(`options of the nacos driver: ${z.prettifyError(parsed.error)}`);
  }
  const { addresses, tenants = [], ...rest } = parsed.data;
  const projects = new Set(tenants.flatMap((tenant) => tenant.projects));
  for (const project of projects) {
    if (/^[\w-]{1,128}$/.test(project)) continue;
    throw new Error(
      `tenants: the project '${project}' is no id of a namespace; ` +
        'use letters, digits, _ and -, 128 at most',
    );
  }
  return {
    ...rest,
    addresses: addresses.map(addressOf),
    projects: projects.size === 0 ? ['default'] : [...projects],
  };
}

function addressOf(address: string): NacosAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      `addresses: '${withoutUser(address)}' is no address; write it as http://host:8848/nacos`,
    );
  }
  const trimmed = url.pathname.replace(/\/+$/, '');
  const basePath = trimmed === '' ? '/nacos' : trimmed;
  const shown = `${url.origin}${basePath}`;
  if (url.search !== '' || url.hash !== '') {
    throw new Error(`addresses: '${shown}' has a query or a fragment; take it away`);
  }
  if (url.username !== '') {
    throw new Error(
      `addresses: '${shown}' names a user; give it as registry.credentials.account and .password`,
    );
  }
  return { origin: url.origin, basePath, shown };
}

function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
