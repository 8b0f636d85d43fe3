// One replica of a cluster, put together: its etcd, its store, its part in the election, and whose
// export it follows. `syncer.ts` starts it last and stops it first.

import { createConnection } from 'node:net';
import path from 'node:path';
import { describeError, SyncerError } from '../../proto/errors.ts';
import { createTranslator } from '../../proto/translate.ts';
import type { GossipPool, PoolMember } from '../gossip/pool.ts';
import type { Membership } from '../membership/membership.ts';
import { hostPort } from '../membership/peers.ts';
import { readTags } from '../membership/tags.ts';
import type { RegistryDriver } from '../registry/driver.ts';
import type { Replication } from '../replication/replication.ts';
import { createEtcdStore, type EtcdStore } from '../store/etcd-store.ts';
import type { Store } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { ReplicaEngine } from '../sync/sync-engine.ts';
import type { SyncRole } from '../sync/writer-epoch.ts';
import type { EtcdAccess, EtcdClient } from './etcd-client.ts';
import { createEtcdEndpoints } from './etcd-endpoints.ts';
import { checkEtcdBinary, startEtcdMember, type EtcdMember } from './etcd-member.ts';
import { fenceDriver } from './fence.ts';
import { createFormation, peerUrlOf, type Formation } from './formation.ts';
import { Leadership } from './leadership.ts';
import type { LeaderEntry } from './election.ts';
import { createOperations, type ClusterOperations } from './operations.ts';
import { register, type Registration } from './registration.ts';
import { watchRegistryReach, type RegistryReach } from './registry-reach.ts';
import { watchSingle, type SingleWatch } from './single.ts';
import { startUpkeep, type Upkeep } from './upkeep.ts';

export interface ReplicaOptions {
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
  readonly dataDir: string;
  /** An existing etcd; `undefined`: each replica runs a member of its own. */
  readonly etcd: EtcdAccess | undefined;
  /** The program of that member. */
  readonly etcdBinary: string;
  readonly listenHost: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** It cannot go on: the reason is logged, and the daemon ends. */
  readonly refused: () => void;
}

/** What is there once the daemon's other parts run. */
export interface ReplicaSurroundings {
  readonly pool: GossipPool;
  readonly membership: Membership;
  readonly replication: Replication;
  readonly engine: ReplicaEngine;
}

export interface Replica {
  readonly store: EtcdStore;
  readonly role: SyncRole;
  fence(driver: RegistryDriver): RegistryDriver;
  /** Starts its part in the cluster; gives what people may ask of that. */
  begin(surroundings: ReplicaSurroundings): ClusterOperations;
  /** Hands the lead over, and ends etcd. */
  stop(): Promise<void>;
}

const probeMs = 500;
/** How long a leader that gives way waits for etcd to have its mapping; the stamps have it too. */
const settleMs = 1_000;
const english = createTranslator('en');

/** Gives the replica. Rejects with `etcd.missing` or `etcd.unsupported`. */
export async function createReplica(sqlite: Store, options: ReplicaOptions): Promise<Replica> {
  const { cluster, node, clock, logger } = options;
  if (options.etcd === undefined) await checkEtcdBinary(options.etcdBinary);
  const store = await createEtcdStore(sqlite, options);
  const listeners = new Set<() => void>();
  const stopping = new AbortController();
  let leadership: Leadership | undefined;
  let around: ReplicaSurroundings | undefined;
  let client: EtcdClient | undefined;
  let member: EtcdMember | undefined;
  let upkeep: Upkeep | undefined;
  let formation: Formation | undefined;
  let registration: Registration | undefined;
  let reach: RegistryReach | undefined;
  let single: SingleWatch | undefined;
  let followed = '';

  const alive = (): readonly PoolMember[] =>
    (around?.membership.view.replicas ?? []).filter(({ status }) => status === 'alive');
  const replicas = (): readonly PoolMember[] => alive().filter((one) => !isAlone(one));
  /** A syncer of mode single, on the way to a cluster or back: it writes, and the replicas wait. */
  const alone = (): PoolMember | undefined => alive().find(isAlone);

  const follow = (leader: LeaderEntry | undefined): void => {
    const single = alone();
    const at = single ?? around?.membership.view.replicas.find(({ name }) => name === leader?.node);
    const tags = at === undefined ? undefined : readTags(at);
    const wanted =
      at === undefined || tags === undefined || at.name === node
        ? ''
        : hostPort(at.address, tags.rpcPort);
    if (wanted === followed) return;
    if (followed !== '') around?.replication.disconnect(cluster, false);
    followed = wanted;
    if (wanted === '' || tags === undefined) return;
    around?.replication.connect({
      ...{ cluster, addresses: [wanted], tls: tags.tls, registry: options.registry },
      push: 'never',
    });
  };

  const changed = (leader: LeaderEntry | undefined): void => {
    store.lead(leadership?.guard);
    follow(leader);
    for (const listener of [...listeners]) listener();
  };

  const probe = async (name: string): Promise<'dead' | 'silent' | 'answers'> => {
    const at = around?.membership.view.replicas.find((one) => one.name === name);
    const port = at === undefined ? undefined : readTags(at)?.rpcPort;
    return at === undefined || port === undefined ? 'silent' : knock(at.address, port);
  };

  const reaches = (): boolean => {
    const condition = around?.engine.condition;
    return condition?.state !== 'unknown' || condition.reason !== 'unreachable';
  };

  let saidAlone = '';
  /** What changed in the pool: whom to follow, and whether a single syncer has come or gone. */
  const poolChanged = (election: Leadership): void => {
    const name = single?.node ?? alone()?.name ?? '';
    single?.look();
    if (name !== saidAlone) {
      logger.info(
        { single: name },
        name === ''
          ? `${saidAlone} runs alone no more: the replicas may lead`
          : `${name} of this cluster runs in mode single: the replicas write nothing while it does`,
      );
      saidAlone = name;
    }
    if (name !== '' && election.leads) void election.handOver();
    follow(election.leader);
    election.look();
  };

  const failed = (error: unknown): void => {
    if (stopping.signal.aborted) return;
    const text =
      error instanceof SyncerError
        ? `${error.message} ${describeError(error, english).remedy}`
        : String(error);
    logger.error({ error: text }, text);
    options.refused();
  };

  const begin = async (surroundings: ReplicaSurroundings): Promise<void> => {
    const { pool, membership, replication, engine } = surroundings;
    let access = options.etcd;
    if (access === undefined) {
      const directory = path.join(options.dataDir, 'etcd');
      const forming = createFormation({
        ...{ cluster, node, pool, directory, replicas, clock, logger },
        random: options.random,
        etcd: () => client,
        signal: stopping.signal,
      });
      formation = forming;
      await forming.formed();
      const self = replicas().find(({ name }) => name === node);
      if (self === undefined) throw new Error('this replica is not in its own pool');
      member = await startEtcdMember(
        {
          ...{ binary: options.etcdBinary, directory, listenHost: options.listenHost },
          ...{ name: node, peerUrl: peerUrlOf(self), token: cluster },
          formed: () => forming.formed(),
          lost: (how) => forming.lost(how),
          failed,
        },
        options,
      );
      access = { endpoints: [member.clientUrl] };
    }
    const etcd = createEtcdEndpoints(access);
    client = etcd;
    upkeep = startUpkeep({
      ...{ etcd, own: member !== undefined, leads: () => leadership?.leads === true },
      ...{ clock, logger, random: options.random },
    });
    const { registry } = options;
    const { signal } = stopping;
    registration = await register(etcd, { cluster, node, registry }, { clock, logger, signal });
    store.attach(etcd);
    /** The stream from the leader was there and is not any more, or gossip takes it for failed. */
    const suspects = (leader: LeaderEntry): boolean =>
      leader.node !== node && (isFailed(leader.node) || isUnheard());
    const isFailed = (name: string): boolean =>
      membership.view.replicas.some((one) => one.name === name && one.status === 'failed');
    const isUnheard = (): boolean =>
      replication
        .links()
        .some(
          (link) =>
            link.direction === 'import' &&
            link.cluster === cluster &&
            link.state !== 'connected' &&
            link.node !== '',
        );
    const election = new Leadership({
      ...{ node, etcd, probe, suspects, changed, clock, logger },
      able: () => engine.viewed && reaches() && single?.node === undefined,
      newestEpoch: () => engine.newestEpoch,
      settled: () => store.settled(settleMs),
    });
    leadership = election;
    single = watchSingle(
      {
        ...{ etcd, clock, logger },
        pool: () =>
          membership.view.replicas.map((one) => ({
            ...{ name: one.name, status: one.status, isSingle: isAlone(one) },
          })),
        changed: () => poolChanged(election),
      },
      stopping.signal,
    );
    reach = watchRegistryReach(
      {
        ...{ pool, reaches, clock, logger },
        leads: () => election.leads,
        nobodyLeads: () => election.leader === undefined,
        others: () => replicas().flatMap(({ name }) => (name === node ? [] : [name])),
        handOver: () => election.handOver(),
      },
      stopping.signal,
    );
    membership.onChange(() => poolChanged(election));
    replication.onChange(() => {
      const { leader } = election;
      if (leader !== undefined && suspects(leader)) election.doubt(leader.node);
    });
    poolChanged(election);
    election.start();
  };

  return {
    store,
    role: {
      get role() {
        return leadership?.leads === true ? 'leader' : 'follower';
      },
      get epoch() {
        return leadership?.leader?.epoch ?? 0;
      },
      onChange(listener) {
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
    },
    fence: (driver) =>
      fenceDriver(driver, {
        begin: async (signal) => leadership?.begin(signal),
        mayRenew: () => leadership?.mayRenew() === true,
      }),
    begin(surroundings) {
      around = surroundings;
      begin(surroundings).catch(failed);
      return createOperations({
        ...{ node, pool: surroundings.pool, clock, logger },
        replicas: () => surroundings.membership.view.replicas,
        leadership: () => leadership,
        etcd: () => client,
        etcdView: () => upkeep?.view,
        ownsEtcd: options.etcd === undefined,
        memberTrouble: () => member?.trouble,
        trouble: () => member?.trouble ?? formation?.waitsFor ?? 'starting',
        etcdRuns: () => member !== undefined,
        mapping: () => store.mapping,
        single: () => single?.node ?? alone()?.name,
        reach: () => ({ own: reaches(), others: reach?.others ?? new Map<string, boolean>() }),
      });
    },
    async stop() {
      stopping.abort();
      upkeep?.stop();
      await leadership?.resign();
      await registration?.leave();
      client?.close();
      await member?.stop();
    },
  };
}

/** A replica has a cluster port, a syncer of mode single says none (membership/tags.ts). */
function isAlone(member: PoolMember): boolean {
  const tags = readTags(member);
  return tags !== undefined && tags.api > 0 && tags.clusterPort === 0;
}

/** Connects to a server that speaks HTTP/2, which greets at once when its process runs. */
function knock(host: string, port: number): Promise<'dead' | 'silent' | 'answers'> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (verdict: 'dead' | 'silent' | 'answers'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(verdict);
    };
    const timer = setTimeout(() => end('silent'), probeMs);
    socket.once('data', () => end('answers'));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'dead' : 'silent'),
    );
  });
}
