// What a Consul driver is told, and the defaults of the rest.

import { z } from 'zod';

const text = z.string();
const optionsShape = z.strictObject({
  /** `http://host:8500`: agents or servers of one datacenter, tried in this order. */
  addresses: z.array(text).min(1),
  /** The site's own cluster; names the node of its copies, `syncer-<cluster>`. */
  cluster: text.min(1).prefault('default'),
  /** Read and left aside: see README.md, "Tenants". */
  tenants: z.array(z.strictObject({ domain: text, projects: z.array(text) })).exactOptional(),
  /** A token, sent as `X-Consul-Token`: Consul knows no users. */
  credentials: z.strictObject({ token: text.min(1) }).exactOptional(),
  /** Another datacenter than that of the agent. */
  datacenter: text.min(1).exactOptional(),
  /** Consul Enterprise alone has these two. */
  namespace: text.min(1).exactOptional(),
  partition: text.min(1).exactOptional(),
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
  /**
   * Shortest time between two looks at whether the server answers; changes come by blocking queries,
   * whatever this is. Raising it finds a frozen server later.
   */
  pollMinMs: z.number().positive().prefault(1_000),
  /** Deadline of one read or write. Raising it finds a dead server later. */
  requestTimeoutMs: z.number().positive().prefault(10_000),
  /**
   * Longest that a blocking query waits. Raising it makes fewer of them while nothing happens, and lets
   * Consul count one longer that was left: it notices only when the wait is over.
   */
  waitMs: z.number().positive().max(600_000).prefault(60_000),
  /** Time between two full readings, beside those that a gap or a reset index asks for. */
  fullReadMs: z.number().positive().prefault(300_000),
  /** Time between two looks at the token and the server's version. */
  auditMs: z.number().positive().prefault(45_000),
  /** How long owners get to come back where no lease is known (a registry that was empty). */
  ownersWaitMs: z.number().positive().prefault(120_000),
});

export type ConsulSettings = Omit<z.output<typeof optionsShape>, 'addresses'> & {
  /** Origins. */
  readonly addresses: readonly string[];
  /** The node that carries our copies. */
  readonly node: string;
};

/** Gives the settings out of anything; throws an error that names key, value and remedy. */
export function consulSettings(options: unknown): ConsulSettings {
  const parsed = optionsShape.safeParse(options);
  if (!parsed.success) {
    throw new Error(`options of the consul driver: ${z.prettifyError(parsed.error)}`);
  }
  const { addresses, ...rest } = parsed.data;
  return { ...rest, addresses: addresses.map(originOf), node: `syncer-${rest.cluster}` };
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      `addresses: '${withoutUser(address)}' is no address; write it as http://host:8500`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error(
      `addresses: '${url.origin}' has a user; Consul takes a token (registry.credentials.token)`,
    );
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new Error(
      `addresses: '${address}' has more than scheme, host and port; take the rest away`,
    );
  }
  return url.origin;
}

function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
