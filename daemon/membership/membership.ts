// From the pool to the clusters to replicate with, as it changes: joins, announces, and tells
// replication whom to connect to.

import type { GossipPool, PoolEvent, PoolTrouble } from '../gossip/pool.ts';
import type { ExportSource } from '../model/records.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { createAnnouncer } from './announcer.ts';
import { createJoinKeeper, type JoinState } from './join-keeper.ts';
import { viewPool, type IdentityConflict, type PoolView } from './peers.ts';

/** What replication is told. */
export interface PeerConnector {
  connect(peer: {
    readonly cluster: string;
    readonly addresses: readonly string[];
    readonly tls: boolean;
    readonly registry: string;
  }): void;
  /** `left`: announced. */
  disconnect(cluster: string, left: boolean): void;
}

export interface MembershipOptions {
  readonly pool: GossipPool;
  readonly own: { readonly cluster: string; readonly registry: string };
  readonly joinAddresses: readonly string[];
  readonly source: ExportSource;
  readonly connector: PeerConnector;
  readonly isLeader: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface SeenTrouble extends PoolTrouble {
  readonly lastMs: number;
}

export interface Membership {
  readonly view: PoolView;
  readonly join: JoinState;
  /** Troubles of the last minutes, one per code and source, the newest last. */
  troubles(): readonly SeenTrouble[];
  start(): void;
  stop(): void;
  onChange(listener: () => void): () => void;
}

/** How long a trouble is shown after it was last seen. */
const troubleShownMs = 300_000;
/** Sources of trouble that are remembered; more are a flood, and counted in the pool's figures. */
const troublesKept = 256;

/** Gives the membership of one started pool. */
export function createMembership(options: MembershipOptions): Membership {
  const { pool, own, connector, clock, logger } = options;
  const pins = new Map<string, string>();
  const listeners = new Set<() => void>();
  const connected = new Set<string>();
  const troubles = new Map<string, SeenTrouble>();
  const named = new Set<string>();
  let view: PoolView = { peers: [], conflicts: [], replicas: [] };
  let stopListening: (() => void) | undefined;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const joinKeeper = createJoinKeeper(pool, options.joinAddresses, { ...options, changed });
  const announcer = createAnnouncer(pool, options.source, options);

  const look = (): void => {
    view = viewPool(pool.members(), own, pins);
    const present = new Set<string>();
    for (const { cluster, addresses, tls, registry, presence, replicates } of view.peers) {
      if (!replicates || presence === 'left') continue;
      present.add(cluster);
      connected.add(cluster);
      connector.connect({ cluster, addresses, tls, registry });
    }
    for (const cluster of connected) {
      if (present.has(cluster)) continue;
      connected.delete(cluster);
      const left = view.peers.some((peer) => peer.cluster === cluster && peer.presence === 'left');
      connector.disconnect(cluster, left);
    }
    for (const conflict of view.conflicts) nameConflict(conflict);
    changed();
  };

  const nameConflict = (conflict: IdentityConflict): void => {
    const key = `${conflict.cluster} ${conflict.refusedMembers.join(' ')}`;
    if (named.has(key)) return;
    named.add(key);
    logger.error(
      { ...conflict },
      `two sites call themselves '${conflict.cluster}': ${conflict.refusedMembers.join(', ')} ` +
        `is refused; give each site its own --cluster-name`,
    );
  };

  const take = (event: PoolEvent): void => {
    switch (event.type) {
      case 'user-event':
        return;
      case 'trouble':
        remember(event.trouble);
        break;
      case 'evicted':
        remember({ code: 'name-conflict', source: pool.node, detail: event.detail, count: 1 });
        break;
      case 'member-joined':
      case 'member-updated':
      case 'member-failed':
      case 'member-left':
      case 'member-reaped':
        logger.info(
          { member: event.member.name, address: event.member.address, status: event.member.status },
          `${event.type.replace('-', ' ')}: ${event.member.name}`,
        );
        look();
        return;
    }
    changed();
  };

  const remember = (trouble: PoolTrouble): void => {
    const key = `${trouble.code} ${trouble.source}`;
    const before = troubles.get(key);
    troubles.delete(key);
    troubles.set(key, {
      ...trouble,
      count: trouble.count + (before?.count ?? 0),
      lastMs: clock.nowMs(),
    });
    const oldest = troubles.keys().next().value;
    if (troubles.size > troublesKept && oldest !== undefined) troubles.delete(oldest);
    logger.warn({ ...trouble }, `gossip: ${trouble.detail}`);
  };

  return {
    get view() {
      return view;
    },
    get join() {
      return joinKeeper.state;
    },
    troubles() {
      const since = clock.nowMs() - troubleShownMs;
      return [...troubles.values()].filter(({ lastMs }) => lastMs >= since);
    },
    start() {
      stopListening = pool.onEvent(take);
      look();
      joinKeeper.start();
      announcer.start();
    },
    stop() {
      stopListening?.();
      joinKeeper.stop();
      announcer.stop();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
