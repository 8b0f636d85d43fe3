// What a ServiceCenter driver is told, and the defaults of the rest.

import { z } from 'zod';

/** A domain and the projects of it that are synchronised. */
interface TenantOptions {
  readonly domain: string;
  readonly projects: readonly string[];
}

/** PEM texts, not paths. */
interface TlsOptions {
  readonly ca?: string;
  /** Client certificate and key, where the server asks for them. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** Accepts any certificate of the server. For trials only: whoever sits between reads and writes. */
  readonly insecure?: boolean;
}

/** An RBAC account, or a token that somebody else renews (`servicecenter-api.md §14`). */
export type Credentials =
  { readonly name: string; readonly password: string } | { readonly token: string };

export interface ServiceCenterOptions {
  /** `http://host:port` or `https://host:port`; several of one registry, tried in this order. */
  readonly addresses: readonly string[];
  readonly tenants?: readonly TenantOptions[];
  readonly tls?: TlsOptions;
  readonly credentials?: Credentials;
  /** Shortest time between two rounds. Raising it costs the registry less and shows changes later. */
  readonly pollMinMs?: number;
  /** Deadline of one read or write. Raising it finds a dead server later. */
  readonly requestTimeoutMs?: number;
  /**
   * Connections for writes, per address; as many as the write queue ever has under way, so that what
   * it learns is the registry's latency and not a queue of ours. Raising it lets the registry breathe less.
   */
  readonly writeConnections?: number;
  /** Time between two looks at the other addresses and at the totals. */
  readonly auditMs?: number;
  /** How long owners get to come back where no lease is known (a registry that was empty). */
  readonly ownersWaitMs?: number;
}

/** `ServiceCenterOptions` with every key decided. */
export type ServiceCenterSettings = Omit<Required<ServiceCenterOptions>, 'tls' | 'credentials'> & {
  readonly tls: TlsOptions | undefined;
  readonly credentials: Credentials | undefined;
};

/** A domain with one project: what one request of ServiceCenter speaks of. */
export interface Tenant {
  readonly domain: string;
  readonly project: string;
}

const text = z.string();
const optionsShape = z.strictObject({
  addresses: z.array(text),
  tenants: z.array(z.strictObject({ domain: text, projects: z.array(text) })).exactOptional(),
  tls: z
    .strictObject({
      ca: text.exactOptional(),
      cert: text.exactOptional(),
      key: text.exactOptional(),
      passphrase: text.exactOptional(),
      insecure: z.boolean().exactOptional(),
    })
    .exactOptional(),
  credentials: z
    .union([z.strictObject({ name: text, password: text }), z.strictObject({ token: text })])
    .exactOptional(),
  pollMinMs: z.number().exactOptional(),
  requestTimeoutMs: z.number().exactOptional(),
  writeConnections: z.number().exactOptional(),
  auditMs: z.number().exactOptional(),
  ownersWaitMs: z.number().exactOptional(),
});

/** Gives options out of anything; throws an error that names the keys that are wrong. */
export function parseServiceCenterOptions(options: unknown): ServiceCenterOptions {
  const parsed = optionsShape.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new Error(`options of the servicecenter driver: ${z.prettifyError(parsed.error)}`);
}

/** Gives the options with defaults; throws an error that names key, value and remedy. */
export function settingsFrom(options: ServiceCenterOptions): ServiceCenterSettings {
  if (options.addresses.length === 0) {
    throw new Error(`addresses: [] names no ServiceCenter; give one as http://host:30100`);
  }
  return {
    addresses: options.addresses.map(originOf),
    tenants: checkedTenants(options.tenants ?? [{ domain: 'default', projects: ['default'] }]),
    tls: options.tls,
    credentials: options.credentials,
    pollMinMs: positive('pollMinMs', options.pollMinMs ?? 200),
    requestTimeoutMs: positive('requestTimeoutMs', options.requestTimeoutMs ?? 10_000),
    writeConnections: positive('writeConnections', options.writeConnections ?? 64),
    auditMs: positive('auditMs', options.auditMs ?? 45_000),
    ownersWaitMs: positive('ownersWaitMs', options.ownersWaitMs ?? 120_000),
  };
}

/** Gives every (domain, project) of the settings once. */
export function tenantsOf(settings: Pick<ServiceCenterSettings, 'tenants'>): readonly Tenant[] {
  const tenants = new Map<string, Tenant>();
  for (const { domain, projects } of settings.tenants) {
    for (const project of projects) {
      tenants.set(JSON.stringify([domain, project]), { domain, project });
    }
  }
  return [...tenants.values()];
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error(`addresses: '${address}' is no address; write it as http://host:30100`);
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.username !== '') {
    throw new Error(
      `addresses: '${address}' has more than scheme, host and port; take the rest away`,
    );
  }
  return url.origin;
}

function checkedTenants(tenants: readonly TenantOptions[]): readonly TenantOptions[] {
  for (const { domain, projects } of tenants) {
    if (domain === '') throw new Error(`tenants: a domain is empty; the usual one is 'default'`);
    if (projects.length === 0 || projects.includes('')) {
      throw new Error(
        `tenants: domain '${domain}' has no project, or an empty one; the usual is 'default'`,
      );
    }
  }
  if (tenants.length === 0) throw new Error(`tenants: [] names none; leave the key out instead`);
  return tenants;
}

function positive(key: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`${key}: ${value} is not a number above 0`);
  }
  return value;
}
