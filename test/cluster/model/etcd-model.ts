// A model of etcd on a virtual clock: revisions and their history, transactions under guards, leases that
// end, watches that lag, hang, break and are compacted; without a quorum it answers nobody.

import type { EtcdClient } from '../../../daemon/cluster/etcd-client.ts';
import type { EtcdChange, EtcdEntry, EtcdGuard, EtcdKv } from '../../../daemon/store/etcd-kv.ts';
import type { EtcdWatchListener, EtcdWrite } from '../../../daemon/store/etcd-kv.ts';
import type { Random } from '../../../daemon/support/random.ts';
import type { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import { call, type Link } from './network.ts';
import type { ModelProcess } from './process.ts';

/** Deadline of a call, as `etcd-client.ts` has it. */
const callMs = 2_000;
const lookMs = 100;
const watchLagMs = 40;
/** How long a connection may be dead unseen (`etcd-client.ts`). */
const deadMs = 13_000;

/** What one replica's way to etcd suffers. */
export interface EtcdLink extends Link {
  /** Its watches tell nothing more, and do not end. */
  watchesHang: boolean;
}

interface Watch {
  readonly prefix: string;
  readonly process: ModelProcess;
  readonly link: EtcdLink;
  readonly listener: EtcdWatchListener;
  /** The next revision that it is to tell. */
  next: number;
  silentSinceMs: number | undefined;
  isOver: boolean;
}

type Judge = (node: string, writes: readonly EtcdWrite[]) => void;

type ModelClient = EtcdKv & Pick<EtcdClient, 'grant' | 'keepAlive' | 'revoke'>;

export class ModelEtcd {
  hasQuorum = true;
  /** Longest time that an answer takes; a disk that is slow. */
  slowMs = 0;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #entries = new Map<string, EtcdEntry>();
  readonly #leases = new Map<string, { readonly ttlMs: number; endsMs: number }>();
  readonly #watches = new Set<Watch>();
  readonly #history: { readonly revision: number; readonly changes: readonly EtcdChange[] }[] = [];
  readonly #judge: Judge;
  #revision = 1;
  #compacted = 0;
  #granted = 0;

  /** `judge` is shown what each replica's transaction writes, as it is carried out. */
  constructor(clock: VirtualClock, random: Random, judge: Judge) {
    this.#clock = clock;
    this.#random = random;
    this.#judge = judge;
    const expire = (): void => {
      if (this.hasQuorum) {
        for (const [lease, { endsMs }] of this.#leases) {
          if (endsMs <= clock.monotonicMs()) this.#end(lease);
        }
      }
      for (const watch of this.#watches) this.#look(watch);
      clock.after(lookMs, expire);
    };
    expire();
  }

  entries(prefix: string): readonly EtcdEntry[] {
    return [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix));
  }

  /** History before now is forgotten. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** The streams of a replica's watches end. */
  breakWatches(link: EtcdLink): void {
    for (const watch of this.#watches) {
      if (watch.link === link) this.#over(watch, 'the stream was cut', false);
    }
  }

  /** Somebody else's write, which no guard stops. */
  put(key: string, value: string): void {
    this.#commit([], [{ type: 'put', key, value }]);
  }

  client(node: string, process: ModelProcess, link: EtcdLink): ModelClient {
    const serverMs = (): number | undefined =>
      this.hasQuorum ? this.#random.next() * this.slowMs : undefined;
    const common = { clock: this.#clock, random: this.#random, deadlineMs: callMs };
    const ask = <T>(apply: () => T): Promise<T> =>
      call({ ...common, process, link, serverMs }, apply);
    return {
      get: (key) => ask(() => ({ entry: this.#entries.get(key), revision: this.#revision })),
      read: (prefix) => ask(() => ({ entries: this.entries(prefix), revision: this.#revision })),
      commit: (guards, writes) =>
        ask(() => {
          const outcome = this.#commit(guards, writes);
          if (outcome.succeeded) this.#judge(node, writes);
          return outcome;
        }),
      grant: (ttlSeconds) =>
        ask(() => {
          this.#granted += 1;
          const lease = String(this.#granted);
          const ttlMs = ttlSeconds * 1000;
          this.#leases.set(lease, { ttlMs, endsMs: this.#clock.monotonicMs() + ttlMs });
          return lease;
        }),
      keepAlive: (lease) =>
        ask(() => {
          const held = this.#leases.get(lease);
          if (held === undefined) return 0;
          held.endsMs = this.#clock.monotonicMs() + held.ttlMs;
          return held.ttlMs / 1000;
        }),
      revoke: (lease) => ask(() => this.#end(lease)),
      watch: (prefix, fromRevision, listener) => {
        const watch: Watch = {
          ...{ prefix, process, link, listener, next: fromRevision, isOver: false },
          silentSinceMs: undefined,
        };
        const begin = (): void => {
          if (watch.isOver) return;
          if (link.isCut || !this.hasQuorum) {
            this.#over(watch, 'etcd was not reached', false);
            return;
          }
          this.#watches.add(watch);
          process.hear(() => listener.started?.());
          this.#tell(watch);
        };
        this.#clock.after(5, begin);
        return {
          stop: () => {
            watch.isOver = true;
            this.#watches.delete(watch);
          },
        };
      },
    };
  }

  #commit(
    guards: readonly EtcdGuard[],
    writes: readonly EtcdWrite[],
  ): { succeeded: boolean; revision: number } {
    const holds = guards.every(({ key, createdRevision, changedRevision }) => {
      const found = this.#entries.get(key);
      return changedRevision === undefined
        ? (found?.createdRevision ?? 0) === (createdRevision ?? 0)
        : (found?.changedRevision ?? 0) === changedRevision;
    });
    if (!holds) return { succeeded: false, revision: this.#revision };
    if (writes.length > 128) throw new Error('etcdserver: too many operations in txn request');
    if (new Set(writes.map(({ key }) => key)).size < writes.length) {
      throw new Error('etcdserver: duplicate key given in txn request');
    }
    for (const write of writes) {
      if (write.type === 'put' && write.lease !== undefined && !this.#leases.has(write.lease)) {
        throw new Error('etcdserver: requested lease not found');
      }
    }
    this.#happened(
      writes.flatMap((write): readonly EtcdChange[] => {
        const { key } = write;
        const changedRevision = this.#revision + 1;
        const before = this.#entries.get(key);
        if (write.type === 'delete') {
          return before === undefined ? [] : [{ type: 'delete', key, changedRevision }];
        }
        const value = Buffer.from(write.value);
        const createdRevision = before?.createdRevision ?? changedRevision;
        const lease = write.lease ?? '0';
        return [{ type: 'put', key, value, createdRevision, changedRevision, lease }];
      }),
    );
    return { succeeded: true, revision: this.#revision };
  }

  #end(lease: string): void {
    if (!this.#leases.delete(lease)) return;
    const changedRevision = this.#revision + 1;
    this.#happened(
      [...this.#entries.values()]
        .filter((entry) => entry.lease === lease)
        .map(({ key }) => ({ type: 'delete', key, changedRevision })),
    );
  }

  #happened(changes: readonly EtcdChange[]): void {
    if (changes.length === 0) return;
    this.#revision += 1;
    for (const change of changes) {
      if (change.type === 'delete') this.#entries.delete(change.key);
      else this.#entries.set(change.key, change);
    }
    this.#history.push({ revision: this.#revision, changes });
    for (const watch of this.#watches) {
      this.#clock.after(1 + this.#random.next() * watchLagMs, () => this.#tell(watch));
    }
  }

  /** A connection that is dead is told from a silent one by its keep-alive; one that was cut goes on. */
  #look(watch: Watch): void {
    const isSilent = watch.link.isCut || watch.link.watchesHang;
    if (!isSilent) {
      watch.silentSinceMs = undefined;
      if (watch.next <= this.#revision) this.#tell(watch);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    watch.silentSinceMs ??= nowMs;
    if (nowMs - watch.silentSinceMs > deadMs) this.#over(watch, 'keepalive timeout', false);
  }

  /** Tells a watch all that it has not heard. */
  #tell(watch: Watch): void {
    const { link, process, prefix, listener } = watch;
    if (watch.isOver || link.watchesHang || link.isCut) return;
    if (watch.next <= this.#compacted) {
      this.#over(watch, 'etcdserver: mvcc: required revision has been compacted', true);
      return;
    }
    const news = this.#history.filter(({ revision }) => revision >= watch.next);
    const changes = news
      .flatMap(({ changes: all }) => all)
      .filter(({ key }) => key.startsWith(prefix));
    const revision = this.#revision;
    watch.next = revision + 1;
    if (changes.length === 0) return;
    process.hear(() => {
      if (!watch.isOver) listener.changed(changes, revision);
    });
  }

  #over(watch: Watch, reason: string, compacted: boolean): void {
    if (watch.isOver) return;
    watch.isOver = true;
    this.#watches.delete(watch);
    watch.process.hear(() => watch.listener.ended({ reason, compacted }));
  }
}
