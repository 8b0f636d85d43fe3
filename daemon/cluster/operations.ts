// What people ask of a cluster (`syncer cluster …`): who leads and how its etcd is, another leader, and
// a replica taken out, for good or to begin anew.

import { SyncerError } from '../../proto/errors.ts';
import type { GossipPool, PoolMember } from '../gossip/pool.ts';
import { hostPort } from '../membership/peers.ts';
import { readTags } from '../membership/tags.ts';
import type { MappingState } from '../store/etcd-store.ts';
import { sleep, type Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { forgetTaken } from './admission.ts';
import type { LeaderEntry } from './election.ts';
import type { EtcdClient } from './etcd-client.ts';
import { forgetSingle } from './single.ts';
import { clusterTrouble, type ClusterTrouble, type EtcdTrouble } from './trouble.ts';
import type { EtcdView } from './upkeep.ts';

/** One replica as this one sees it. */
export interface ReplicaRow {
  readonly node: string;
  /** RPC address; empty: it is not in the pool. */
  readonly address: string;
  /** Of the pool: `alive`, `leaving`, `left`, `failed`; `absent`: etcd alone knows it. */
  readonly status: string;
  readonly self: boolean;
  readonly leads: boolean;
  /** Its etcd member: `started`, `added` (added, never ran), `none`; `foreign`: etcd is not ours. */
  readonly etcd: 'started' | 'added' | 'none' | 'foreign';
}

export interface ClusterView {
  readonly leader: LeaderEntry | undefined;
  readonly replicas: readonly ReplicaRow[];
  readonly etcd: {
    /** `forming`: not running yet; `away`: it does not answer. */
    readonly state: 'forming' | 'answering' | 'away';
    /** Why, for people; empty while it answers. */
    readonly detail: string;
    readonly version: string;
    readonly members: number;
    readonly bytes: number;
  };
  readonly mapping: MappingState;
  /** Why nobody leads, or why the leader may not write. */
  readonly trouble: ClusterTrouble | undefined;
  /** How long nobody has led; `undefined`: somebody does, or etcd was not asked yet. */
  readonly leaderlessMs: number | undefined;
}

/** A running cluster as the control API uses it. Rejects with `cluster.*` errors of the table. */
export interface ClusterOperations {
  view(): ClusterView;
  /** Resolves when another replica leads. */
  transferLeader(): Promise<{ readonly from: string; readonly to: string }>;
  /**
   * Takes a replica's etcd member out. `rejoin`: it begins anew with an empty one, now if it runs;
   * otherwise it must have stopped, and leaves the pool too.
   */
  remove(node: string, rejoin: boolean): Promise<void>;
}

export interface OperationsParts {
  readonly node: string;
  readonly pool: GossipPool;
  /** All replicas that the pool knows, the dead ones too. */
  readonly replicas: () => readonly PoolMember[];
  readonly leadership: () =>
    | {
        readonly leader: LeaderEntry | undefined;
        readonly leaderlessMs: number | undefined;
        readonly foreign: string | undefined;
        handOver(): Promise<boolean>;
      }
    | undefined;
  readonly etcd: () => EtcdClient | undefined;
  readonly etcdView: () => EtcdView | undefined;
  /** The members are processes of our own. */
  readonly ownsEtcd: boolean;
  /** Its own etcd has been started. */
  readonly etcdRuns: () => boolean;
  /** What the forming waits for, or what comes next. */
  readonly trouble: () => string;
  /** Why its own etcd does not run; `undefined`: it does, as far as is known. */
  readonly memberTrouble: () => string | undefined;
  readonly mapping: () => MappingState;
  /** A syncer of mode single that runs beside the replicas. */
  readonly single: () => string | undefined;
  /** Whether the registry answers this replica, and the others as they said. */
  readonly reach: () => { readonly own: boolean; readonly others: ReadonlyMap<string, boolean> };
  readonly clock: Clock;
  readonly logger: Logger;
}

const handOverQuery = 'syncer-hand-over';
const queryMs = 2_000;
/** How long another leader is waited for. */
const nextLeaderMs = 15_000;
/** etcd takes nobody out while it has not heard all members for 5 s (its strict reconfiguration). */
const removeTries = 10;
const forgetTries = 5;

/** Gives the operations; this replica answers the others' from now on. */
export function createOperations(parts: OperationsParts): ClusterOperations {
  const { node, pool, clock, logger } = parts;
  const alive = (): readonly PoolMember[] =>
    parts.replicas().filter(({ status }) => status === 'alive');

  pool.answer(handOverQuery, ({ from }) => {
    if (!alive().some(({ name }) => name === from)) return undefined;
    // Answered at once: etcd may take longer than the query, and who asked sees the outcome there.
    void parts.leadership()?.handOver();
    return Buffer.from('understood');
  });

  const view = (): ClusterView => {
    const etcd = parts.etcdView();
    const leader = parts.leadership()?.leader;
    const members = etcd?.members ?? [];
    const known = parts.replicas();
    const names = new Set([
      ...known.map(({ name }) => name),
      ...(parts.ownsEtcd ? members.map(({ name }) => name).filter((name) => name !== '') : []),
    ]);
    const unstarted = members.filter(({ name }) => name === '').map(({ peerUrls }) => peerUrls[0]);
    return {
      leader,
      replicas: [...names].sort().map((name): ReplicaRow => {
        const at = known.find((one) => one.name === name);
        const tags = at === undefined ? undefined : readTags(at);
        const isUnstarted =
          at !== undefined &&
          unstarted.some((url) => url?.endsWith(`:${tags?.clusterPort ?? 0}`) === true);
        const isMember = members.some((one) => one.name === name);
        return {
          node: name,
          address: at === undefined || tags === undefined ? '' : hostPort(at.address, tags.rpcPort),
          status: at?.status ?? 'absent',
          self: name === node,
          leads: leader?.node === name,
          etcd: !parts.ownsEtcd ? 'foreign' : isMember ? 'started' : isUnstarted ? 'added' : 'none',
        };
      }),
      etcd: {
        state: etcd === undefined ? 'forming' : etcd.trouble === undefined ? 'answering' : 'away',
        detail: etcd === undefined ? parts.trouble() : (etcd.trouble ?? ''),
        version: etcd?.version ?? '',
        members: members.length,
        bytes: etcd?.dbBytes ?? 0,
      },
      mapping: parts.mapping(),
      trouble: clusterTrouble({
        leader: leader?.node,
        single: parts.single(),
        etcd: etcdTrouble(etcd),
        foreign: parts.leadership()?.foreign,
        reaches: parts.reach().own,
        othersReach: parts.reach().others,
        others: alive()
          .map(({ name }) => name)
          .filter((name) => name !== node && name !== parts.single()),
      }),
      leaderlessMs: parts.leadership()?.leaderlessMs,
    };
  };

  const etcdTrouble = (etcd: EtcdView | undefined): EtcdTrouble | undefined => {
    if (etcd === undefined) {
      return parts.ownsEtcd && !parts.etcdRuns()
        ? { type: 'forming', replicas: alive().length }
        : { type: 'away', detail: parts.trouble() };
    }
    if (etcd.trouble === undefined) return undefined;
    const members = etcd.members.length;
    const { answering = members } = etcd;
    return answering <= members / 2 && members > 0
      ? { type: 'quorum', answering, members }
      : { type: 'away', detail: parts.memberTrouble() ?? etcd.trouble };
  };

  const transferLeader: ClusterOperations['transferLeader'] = async () => {
    const leadership = parts.leadership();
    const before = leadership?.leader;
    if (leadership === undefined || before === undefined)
      throw new SyncerError('cluster.no-leader');
    if (alive().filter(({ name }) => name !== before.node).length === 0) {
      throw new SyncerError('cluster.nobody-else', { node: before.node });
    }
    let isTold = before.node === node;
    if (isTold) await leadership.handOver();
    const endMs = clock.monotonicMs() + nextLeaderMs;
    for (;;) {
      const { leader } = leadership;
      if (leader !== undefined && leader.lease !== before.lease) {
        return { from: before.node, to: leader.node };
      }
      if (clock.monotonicMs() >= endMs) {
        throw isTold
          ? new SyncerError('cluster.no-leader')
          : new SyncerError('cluster.no-answer', { node: before.node });
      }
      if (!isTold) {
        // Gossip may lose a question; asked twice, the leader hands over once.
        const options = { timeoutMs: queryMs, filterNodes: [before.node] };
        const { responses } = await pool.query(handOverQuery, new Uint8Array(), options);
        isTold = responses.length > 0;
      }
      await sleep(clock, 50);
    }
  };

  const remove: ClusterOperations['remove'] = async (name, rejoin) => {
    const etcd = parts.etcd();
    if (!rejoin && etcd !== undefined && (await isForgotten(etcd, name))) return;
    if (!parts.ownsEtcd) throw new SyncerError('cluster.foreign-etcd');
    if (etcd === undefined) throw new SyncerError('cluster.etcd-away', { reason: parts.trouble() });
    const members = await etcd.members().catch((cause: unknown) => {
      throw new SyncerError('cluster.etcd-away', { reason: textOf(cause) }, cause);
    });
    const member = members.find((one) => one.name === name);
    const at = parts.replicas().find((one) => one.name === name);
    if (member === undefined && (rejoin || at === undefined)) {
      throw new SyncerError('request.not-found', { kind: 'replica', name });
    }
    const runs = at?.status === 'alive';
    if (!rejoin && runs) throw new SyncerError('cluster.still-alive', { node: name });
    if (parts.leadership()?.leader?.node === name && runs) await transferLeader();
    if (member !== undefined) {
      await takeOut(etcd, name, member.id);
      await forgetSoon(etcd, name);
      logger.warn({ replica: name, rejoin }, `the etcd member of ${name} was taken out`);
    }
    if (!rejoin && at !== undefined) await pool.forceLeave(name, true);
  };

  /** One that ran alone and has stopped without leaving: a person says so. */
  const isForgotten = async (etcd: EtcdClient, name: string): Promise<boolean> => {
    if (parts.single() !== name) return false;
    if (parts.replicas().some((one) => one.name === name && one.status === 'alive')) {
      throw new SyncerError('cluster.still-alive', { node: name });
    }
    const isGone = await forgetSingle(etcd, name).catch((cause: unknown) => {
      throw new SyncerError('cluster.etcd-away', { reason: textOf(cause) }, cause);
    });
    if (!isGone) return false;
    logger.warn({ single: name }, `${name}, which ran alone, was said to have stopped`);
    if (parts.replicas().some((one) => one.name === name)) await pool.forceLeave(name, true);
    return true;
  };

  /** Its record is of no use any more, and does no harm: etcd may elect anew, and is asked again. */
  const forgetSoon = async (etcd: EtcdClient, name: string): Promise<void> => {
    for (let tries = 1; tries <= forgetTries; tries += 1) {
      try {
        await forgetTaken(etcd, name);
        return;
      } catch (error) {
        logger.debug({ replica: name, error: textOf(error) }, 'its record was not forgotten yet');
        await sleep(clock, 500);
      }
    }
  };

  const takeOut = async (etcd: EtcdClient, name: string, id: string): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        await etcd.removeMember(id);
        return;
      } catch (cause) {
        const reason = textOf(cause);
        if (reason.includes('member not found')) return;
        if (tries >= removeTries || !reason.includes('unhealthy cluster')) {
          throw new SyncerError('cluster.etcd-refused', { node: name, reason }, cause);
        }
        await sleep(clock, 1_000);
      }
    }
  };

  return { view, transferLeader, remove };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
