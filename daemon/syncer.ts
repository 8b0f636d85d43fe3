// One syncer: the parts in the order in which they start, and the other way round in which they stop.

import { hostname } from 'node:os';
import { join } from 'node:path';
import { asSyncerError, SyncerError } from '../proto/errors.ts';
import type { Config } from './config/schema.ts';
import { holdDataDir } from './config/data-dir.ts';
import { controlAddress } from '../proto/control/address.ts';
import { answerLookup, lookupQuery } from './control/lookup.ts';
import type { ConfigAccess, LogSource } from './control/ports.ts';
import { startControlServer } from './control/server.ts';
import { createGossipPool } from './gossip/worker/worker-pool.ts';
import { createMembership } from './membership/membership.ts';
import { hostPort } from './membership/peers.ts';
import { registryIdentity, writeTags } from './membership/tags.ts';
import { createReplica } from './cluster/replica.ts';
import { createDriver } from './registry/drivers.ts';
import type { TlsFiles } from './replication/certificates.ts';
import { createReplication } from './replication/replication.ts';
import { forgetEtcd } from './store/etcd-store.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import { systemClock } from './support/clock.ts';
import type { GuardLimits, Rules } from './model/rules.ts';
import { createMetrics } from './observability/metrics.ts';
import { serveMetrics } from './observability/metrics-server.ts';
import type { Logger } from './support/logger.ts';
import type { SyncEngine } from './sync/engine.ts';
import { systemRandom } from './support/random.ts';
import { createSyncEngine } from './sync/sync-engine.ts';
import { controlBackend } from './wiring/control-backend.ts';
import { startWebServer, type WebServer } from './web/web-server.ts';
import { lookupSource } from './wiring/look-up.ts';
import { etcdAccess } from './wiring/etcd-access.ts';
import { registryOptions } from './wiring/registry-options.ts';

/** What a syncer is given beside its configuration. */
export interface SyncerParts {
  readonly version: string;
  readonly logger: Logger;
  readonly logs: LogSource;
  readonly configAccess: ConfigAccess;
}

export interface Syncer {
  /**
   * Starts everything. Rejects with a `SyncerError`, after having stopped what had been started; a
   * registry or a peer that is absent is no error.
   */
  start(): Promise<SyncerAddresses>;
  /** Stops gracefully: drains the write queue, leaves the pool, removes nothing from the registry. */
  stop(): Promise<void>;
  /** Takes other rules at once. */
  setRules(rules: Rules, limits: GuardLimits): void;
  /** Resolves with the reason when the syncer is to end by itself (`shutdown`, `leave`, `evicted`). */
  readonly asked: Promise<string>;
}

export interface SyncerAddresses {
  readonly gossip: string;
  readonly rpc: string;
  readonly control: string;
  /** `undefined`: not served. */
  readonly metrics: string | undefined;
  readonly ui: string | undefined;
}

/** `syncer.replication` version that we speak, as the pool says it (membership/tags.ts). */
const replicationApi = 1;
/** Longest that writes already decided on may take when we stop. */
const drainMs = 5_000;

/** Gives a syncer, not started. */
export function createSyncer(config: Config, parts: SyncerParts): Syncer {
  const { logger } = parts;
  const clock = systemClock;
  const random = systemRandom;
  const surroundings = { clock, random, logger };
  const log = (part: string): Logger => logger.child({ part });
  /** Undone in reverse order. */
  const undo: { readonly name: string; readonly run: () => void | Promise<void> }[] = [];
  let setRules: Syncer['setRules'] = () => undefined;
  const { promise: asked, resolve: ask } = Promise.withResolvers<string>();

  const start = async (): Promise<SyncerAddresses> => {
    const cluster = config.clusterName;
    const { node } = config;
    const registry = registryIdentity(config.registry.addresses, ownHost(config));

    const held = holdDataDir(config.dataDir, clock.nowMs());
    undo.push({ name: 'data directory', run: () => held.release() });

    const sqlite = await openSqliteStore(
      { directory: config.dataDir },
      { ...surroundings, logger: log('store') },
    );
    const replica =
      config.mode === 'single'
        ? undefined
        : await createReplica(sqlite, {
            ...{ cluster, node, registry, dataDir: config.dataDir },
            etcd: etcdAccess(config.cluster),
            etcdBinary: config.cluster.etcdBinary,
            listenHost: config.gossip.bind.host,
            refused: () => ask('refused'),
            ...surroundings,
            logger: log('cluster'),
          });
    if (replica === undefined) forgetEtcd(sqlite);
    const store = replica?.store ?? sqlite;
    undo.push({ name: 'store', run: () => store.close() });

    const bare = createDriver(
      config.registry.kind,
      registryOptions(config.registry, cluster),
      { ...surroundings, logger: log('registry') },
      config.registry.options,
    );
    const driver = replica?.fence(bare) ?? bare;
    const engine = createSyncEngine({
      cluster,
      driver,
      store,
      rules: config.rules,
      limits: config.guard,
      ...(replica === undefined ? {} : { role: replica.role }),
      ...surroundings,
      logger: log('sync'),
    });
    setRules = (rules, limits) => engine.setRules(rules, limits);
    await engine.start();
    undo.push({ name: 'sync', run: () => engine.stop(drainMs) });

    const replication = createReplication({
      cluster,
      node,
      registry,
      source: engine.exportSource,
      sinkFor: (peer) => (peer === cluster ? engine.exportMirror : engine.peer(peer)),
      lookup: lookupSource(engine),
      listen: config.rpc.bind,
      tls: tlsFiles(config.tls),
      ...surroundings,
      logger: log('replication'),
    });
    const rpc = await replication.start();
    let hasCompany = (): boolean => false;
    undo.push({ name: 'replication', run: () => replication.stop(!hasCompany()) });

    const pool = createGossipPool(
      {
        node,
        bind: config.gossip.bind,
        ...(config.gossip.advertise === undefined ? {} : { advertise: config.gossip.advertise }),
        tags: writeTags({
          cluster,
          registry,
          rpcPort: rpc.port,
          tls: config.tls.cert !== undefined,
          // None says that this one is alone: replicas of its cluster wait for it (cluster/replica.ts).
          clusterPort: replica === undefined ? 0 : config.cluster.port,
          api: replicationApi,
        }),
        profile: config.gossip.profile,
        keys: config.gossip.keys,
        keyringFile: join(config.dataDir, 'keyring.json'),
        snapshotFile: join(config.dataDir, 'gossip.snapshot'),
        // The replica that joins itself (the walk-through's first) would find nobody after a restart.
        rejoinAfterLeave: config.gossip.rejoinAfterLeave || replica !== undefined,
      },
      { clock, logger: log('gossip') },
    );
    pool.answer(lookupQuery, (query) => answerLookup(engine, query));
    const gossip = await pool.start();
    undo.push({ name: 'gossip', run: () => pool.leave() });

    const membership = createMembership({
      pool,
      own: { cluster, registry },
      joinAddresses: config.gossip.join,
      source: engine.exportSource,
      connector: replication,
      isLeader: () => engine.status().role === 'leader',
      ...surroundings,
      logger: log('membership'),
    });
    // Another one of this cluster goes on with the export: it has not left.
    hasCompany = () =>
      membership.view.replicas.some(({ name, status }) => status === 'alive' && name !== node);
    membership.start();
    undo.push({ name: 'membership', run: () => membership.stop() });
    // Sites outside the pool: we dial them, and push our export where they cannot dial us.
    for (const { cluster: peer, address } of config.peers.static) {
      const addresses = [hostPort(address.host, address.port)];
      replication.connect({ cluster: peer, addresses, tls: config.tls.cert !== undefined });
    }
    const replicas = replica?.begin({ pool, membership, replication, engine });
    undo.push({ name: 'cluster', run: () => replica?.stop() });
    pool.onEvent((event) => {
      if (event.type === 'evicted') ask('evicted');
    });

    let web: WebServer | undefined;
    const control = await startControlServer(
      controlAddress(config.dataDir),
      controlBackend({
        identity: {
          cluster,
          node,
          version: parts.version,
          startedMs: clock.nowMs(),
          dataDirectory: config.dataDir,
        },
        config,
        engine,
        pool,
        membership,
        replication,
        store,
        replicas,
        logs: parts.logs,
        configAccess: parts.configAccess,
        clock,
        logger: log('control'),
        uiLink() {
          if (web === undefined) throw new SyncerError('ui.not-served');
          return web.link();
        },
        shutdown: () => ask('shutdown'),
        async leave() {
          membership.stop();
          await pool.leave();
          ask('leave');
        },
      }),
    );
    undo.push({ name: 'control', run: () => control.stop() });

    if (config.ui.bind !== undefined) {
      const { cert, key } = config.tls;
      web = await startWebServer({
        bind: config.ui.bind,
        tls: cert === undefined || key === undefined ? undefined : { certFile: cert, keyFile: key },
        control: control.address,
        version: parts.version,
        clock,
        logger: log('web'),
      });
      undo.push({ name: 'web', run: () => web?.stop() });
    }

    const metricsAt = config.metrics.bind;
    const metrics =
      metricsAt === undefined
        ? undefined
        : await serveMetrics({
            ...metricsAt,
            metrics: createMetrics({
              version: parts.version,
              status: () => engine.status(),
              members: () => pool.members(),
            }),
            readiness: () => readiness(engine),
          });
    undo.push({ name: 'metrics', run: () => metrics?.close() });

    return {
      gossip: hostPort(gossip.host, gossip.port),
      rpc: hostPort(rpc.host, rpc.port),
      control: control.address.path,
      metrics: metrics === undefined ? undefined : hostPort(metrics.host, metrics.port),
      ui: web === undefined ? undefined : hostPort(web.host, web.port),
    };
  };

  const stop = async (): Promise<void> => {
    for (const { name, run } of undo.splice(0).reverse()) {
      try {
        await run();
      } catch (error) {
        logger.error({ error: String(error) }, `stopping: ${name} failed`);
      }
    }
  };

  return {
    asked,
    stop,
    setRules: (rules, limits) => setRules(rules, limits),
    async start() {
      try {
        return await start();
      } catch (error) {
        await stop();
        throw asSyncerError(error);
      }
    },
  };
}

/** Ready: the registry has been read completely once, so that peers get a whole export. */
function readiness(engine: SyncEngine): { readonly ready: boolean; readonly reason: string } {
  if (engine.exportSource.ready) return { ready: true, reason: '' };
  const { condition } = engine.status();
  return { ready: false, reason: condition.state === 'unknown' ? condition.detail : 'starting' };
}

/** What stands for this machine where the registry is addressed by loopback. */
function ownHost(config: Config): string {
  const { host } = config.gossip.advertise ?? config.gossip.bind;
  return host === '0.0.0.0' || host === '::' ? hostname() : host;
}

function tlsFiles({ ca, cert, key }: Config['tls']): TlsFiles | undefined {
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
}
