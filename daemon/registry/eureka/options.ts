// What a Eureka driver is told, and the defaults of the rest.

import { z } from 'zod';

const text = z.string();
const optionsShape = z.strictObject({
  /** Base addresses of the servers of one cluster (`http://host:8761/eureka`), tried in this order. */
  addresses: z.array(text).min(1),
  /** Read and left aside: Eureka has no tenants (README.md, "Tenants"). */
  tenants: z.array(z.strictObject({ domain: text, projects: z.array(text) })).exactOptional(),
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
  /** HTTP basic authentication, for every address that names no user itself. */
  credentials: z.strictObject({ name: text, password: text }).exactOptional(),
  /** Shortest time between two rounds. Raising it costs the registry less and shows changes later. */
  pollMinMs: z.number().positive().prefault(200),
  /** Deadline of one read or write. Raising it finds a dead server later. */
  requestTimeoutMs: z.number().positive().prefault(10_000),
  /** Connections for writes, per address. Raising it writes faster and lets the registry breathe less. */
  writeConnections: z.int().positive().prefault(8),
  /** Time between two full readings, beside those that a wrong hash asks for. */
  fullReadMs: z.number().positive().prefault(300_000),
  /** Time between two looks at the server's own state (peers, self-preservation). */
  auditMs: z.number().positive().prefault(45_000),
  /** How long owners get to come back where no lease is known (a registry that was empty). */
  ownersWaitMs: z.number().positive().prefault(120_000),
  /**
   * Every copy is renewed once in this time. Eureka expects a renewal each 30 s of every instance
   * (peers.md §3): raising it beyond makes the server believe that its clients are dying.
   */
  renewEveryMs: z.number().positive().max(30_000).prefault(25_000),
});

/** One server: where it is and who we are there. */
export interface EurekaAddress {
  readonly origin: string;
  /** Path of the API without a final slash, `/eureka` as a rule. */
  readonly basePath: string;
  /** Origin and path, without user and password; for people. */
  readonly shown: string;
  /** `Basic ...`; `undefined`: none. */
  readonly authorization: string | undefined;
}

export type EurekaSettings = Omit<z.output<typeof optionsShape>, 'addresses'> & {
  readonly addresses: readonly EurekaAddress[];
};

/** Gives the settings out of anything; throws an error that names key, value and remedy. */
export function eurekaSettings(options: unknown): EurekaSettings {
  const parsed = optionsShape.safeParse(options);
  if (!parsed.success) {
    throw new Error(`options of the eureka driver: ${z.prettifyError(parsed.error)}`);
  }
  const { addresses, ...rest } = parsed.data;
  return { ...rest, addresses: addresses.map((each) => addressOf(each, rest.credentials)) };
}

function addressOf(address: string, credentials: EurekaSettings['credentials']): EurekaAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      `addresses: '${withoutUser(address)}' is no address; write it as http://host:8761/eureka`,
    );
  }
  const trimmed = url.pathname.replace(/\/+$/, '');
  const basePath = trimmed === '' ? '/eureka' : trimmed;
  const shown = `${url.origin}${basePath}`;
  if (url.search !== '' || url.hash !== '') {
    throw new Error(`addresses: '${shown}' has a query or a fragment; take it away`);
  }
  const user =
    url.username === ''
      ? credentials
      : {
          name: decodeURIComponent(url.username),
          password: decodeURIComponent(url.password),
        };
  return {
    origin: url.origin,
    basePath,
    shown,
    authorization:
      user === undefined
        ? undefined
        : `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`,
  };
}

function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
