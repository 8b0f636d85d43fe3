// The one schema of the configuration: every key, what it takes, its default, and its flag. The
// typed `Config`, `--help`, the environment's names and the table in README.md all come from it.

import { z } from 'zod';
import {
  absencePolicy,
  baseUrl,
  gossipKey,
  joinAddress,
  listenAddress,
  peerAddress,
  poolName,
  tenant,
} from './values.ts';

/** What is known of a key beside its schema. */
export interface KeyFacts {
  /** The flag that sets it, without dashes. */
  readonly flag?: string;
  /** What stands behind the flag in `--help`. */
  readonly argument?: string;
  /** Never shown: `config show`, errors and logs say `<redacted>`. */
  readonly secret?: boolean;
}

export const keyFacts = z.registry<KeyFacts>();

const text = z.string().min(1);
const port = z.int().min(1).max(65_535);

const matchSchema = z.strictObject({
  service: text.exactOptional(),
  app: text.exactOptional(),
  environment: z.string().exactOptional(),
  version: text.exactOptional(),
  domain: text.exactOptional(),
  project: text.exactOptional(),
});

const exportRule = z.strictObject({
  name: text.exactOptional(),
  match: matchSchema.prefault({}),
  action: z.enum(['include', 'exclude']),
  rename: z
    .strictObject({
      service: text.exactOptional(),
      app: text.exactOptional(),
      environment: z.string().exactOptional(),
      domain: text.exactOptional(),
      project: text.exactOptional(),
    })
    .exactOptional(),
  endpoints: z
    .array(z.strictObject({ from: text, to: z.string() }))
    .max(1000)
    .exactOptional(),
});

const importRule = exportRule.extend({
  match: matchSchema.extend({ cluster: text.exactOptional() }).prefault({}),
  absence: absencePolicy.exactOptional(),
});

/** The `rules` part, which `syncer plan --rules FILE` reads alone too. */
export const rulesSchema = z.strictObject({
  export: z.array(exportRule).max(10_000).prefault([]).register(keyFacts, {}),
  import: z.array(importRule).max(10_000).prefault([]).register(keyFacts, {}),
  absence: absencePolicy.prefault('grace 10m').register(keyFacts, {}),
});

const sitePeers = z.array(z.strictObject({ cluster: poolName, address: peerAddress })).max(1000);

export const configSchema = z.strictObject({
  mode: z
    .enum(['single', 'cluster'])
    .prefault('single')
    .register(keyFacts, { flag: 'mode', argument: 'single|cluster' }),
  node: poolName.clone().register(keyFacts, { flag: 'node', argument: 'name' }),
  clusterName: poolName.clone().register(keyFacts, { flag: 'cluster-name', argument: 'name' }),
  dataDir: text.register(keyFacts, { flag: 'data-dir', argument: 'directory' }),
  registry: z.strictObject({
    kind: text.prefault('servicecenter').register(keyFacts, {
      flag: 'sc-plugin',
      argument: 'name|path|package',
    }),
    addresses: z
      .array(baseUrl)
      .min(1)
      .max(64)
      .prefault(['http://127.0.0.1:30100'])
      .register(keyFacts, { flag: 'sc-addr', argument: 'url,url' }),
    options: z.record(z.string(), z.unknown()).prefault({}).register(keyFacts, {}),
    tenants: z.array(tenant).min(1).max(1000).prefault(['default/default']).register(keyFacts, {}),
    pollMinMs: z.int().min(20).max(600_000).prefault(100).register(keyFacts, {}),
    tls: z.strictObject({
      ca: text.exactOptional().register(keyFacts, {}),
      cert: text.exactOptional().register(keyFacts, {}),
      key: text.exactOptional().register(keyFacts, {}),
      verify: z.boolean().prefault(true).register(keyFacts, {}),
    }),
    credentials: z.strictObject({
      account: text.exactOptional().register(keyFacts, {}),
      password: text.exactOptional().register(keyFacts, { secret: true }),
      token: text.exactOptional().register(keyFacts, { secret: true }),
    }),
  }),
  gossip: z.strictObject({
    bind: listenAddress.prefault('0.0.0.0:30190').register(keyFacts, {
      flag: 'bind-addr',
      argument: 'host:port',
    }),
    advertise: peerAddress.exactOptional().register(keyFacts, {
      flag: 'advertise-addr',
      argument: 'host:port',
    }),
    join: z.array(joinAddress).max(1000).prefault([]).register(keyFacts, {
      flag: 'join-addr',
      argument: 'host:port,host:port',
    }),
    profile: z
      .enum(['lan', 'wan', 'local'])
      .prefault('lan')
      .register(keyFacts, { flag: 'profile', argument: 'lan|wan|local' }),
    keys: z.array(gossipKey).max(16).prefault([]).register(keyFacts, {
      flag: 'encrypt',
      argument: 'key,key',
      secret: true,
    }),
    rejoinAfterLeave: z.boolean().prefault(false).register(keyFacts, {}),
  }),
  rpc: z.strictObject({
    bind: listenAddress.prefault('0.0.0.0:30191').register(keyFacts, {
      flag: 'rpc-addr',
      argument: 'host:port',
    }),
  }),
  tls: z.strictObject({
    ca: text.exactOptional().register(keyFacts, { flag: 'tls-ca', argument: 'file' }),
    cert: text.exactOptional().register(keyFacts, { flag: 'tls-cert', argument: 'file' }),
    key: text.exactOptional().register(keyFacts, { flag: 'tls-key', argument: 'file' }),
  }),
  cluster: z.strictObject({
    port: port.prefault(30_192).register(keyFacts, { flag: 'cluster-port', argument: 'port' }),
    etcd: z.array(baseUrl).max(64).prefault([]).register(keyFacts, {
      flag: 'etcd-addr',
      argument: 'url,url',
    }),
    etcdBinary: text.prefault('etcd').register(keyFacts, { flag: 'etcd-bin', argument: 'file' }),
    etcdTls: z.strictObject({
      ca: text.exactOptional().register(keyFacts, {}),
      cert: text.exactOptional().register(keyFacts, {}),
      key: text.exactOptional().register(keyFacts, {}),
    }),
    etcdCredentials: z.strictObject({
      user: text.exactOptional().register(keyFacts, {}),
      password: text.exactOptional().register(keyFacts, { secret: true }),
    }),
  }),
  rules: rulesSchema,
  guard: z.strictObject({
    share: z.number().min(0).max(1).prefault(0.2).register(keyFacts, {}),
    count: z.int().min(0).max(10_000_000).prefault(50).register(keyFacts, {}),
    windowSeconds: z.int().min(1).max(86_400).prefault(60).register(keyFacts, {}),
  }),
  peers: z.strictObject({
    static: sitePeers.prefault([]).register(keyFacts, {}),
  }),
  metrics: z.strictObject({
    bind: listenAddress.exactOptional().register(keyFacts, {
      flag: 'metrics-addr',
      argument: 'host:port',
    }),
  }),
  ui: z.strictObject({
    bind: listenAddress.exactOptional().register(keyFacts, {
      flag: 'ui-addr',
      argument: 'host:port',
    }),
  }),
  log: z.strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .prefault('info')
      .register(keyFacts, { flag: 'log-level', argument: 'debug|info|warn|error' }),
    format: z
      .enum(['auto', 'pretty', 'json'])
      .prefault('auto')
      .register(keyFacts, { flag: 'log-format', argument: 'auto|pretty|json' }),
    file: z.boolean().prefault(false).register(keyFacts, {}),
    fileMaxMb: z.int().min(1).max(1024).prefault(16).register(keyFacts, {}),
    filesKept: z.int().min(1).max(100).prefault(4).register(keyFacts, {}),
  }),
});

/** Everything that a daemon is told, complete: missing keys have their defaults. */
export type Config = z.output<typeof configSchema>;
