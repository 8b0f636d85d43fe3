// etcd for unit tests, in memory and on a virtual clock: leases that end, keys with revisions,
// transactions under guards, watches that may be made to hang, and an end of the quorum.

import type { EtcdChange, EtcdEntry, EtcdKv, EtcdWatchListener } from '../store/etcd-kv.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import type { EtcdClient } from './etcd-client.ts';

export class MemoryEtcd {
  /** Nobody answers: a quorum is missing. */
  away = false;
  version = '3.4.23';
  /** Every answer takes so long. */
  latencyMs = 1;
  readonly #clock: VirtualClock;
  readonly #entries = new Map<string, EtcdEntry>();
  readonly #leases = new Map<string, { ttlMs: number; endsMs: number }>();
  readonly #watches = new Set<{ prefix: string; hangs: () => boolean; on: EtcdWatchListener }>();
  #revision = 1;
  #granted = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    const expire = (): void => {
      for (const [lease, { endsMs }] of this.#leases) {
        if (endsMs <= clock.monotonicMs() && !this.away) this.#end(lease);
      }
      clock.after(50, expire);
    };
    expire();
  }

  value(key: string): string | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : Buffer.from(entry.value).toString();
  }

  /** A replica's way to it; `hangs` says whether its watches have gone silent. */
  client(
    hangs: () => boolean = () => false,
  ): EtcdKv & Pick<EtcdClient, 'grant' | 'keepAlive' | 'revoke' | 'status'> {
    const answer = async <T>(make: () => T): Promise<T> => {
      await new Promise<void>((resolve) => void this.#clock.after(this.latencyMs, resolve));
      if (this.away) throw new Error('etcdserver: request timed out');
      return make();
    };
    return {
      get: (key) => answer(() => ({ entry: this.#entries.get(key), revision: this.#revision })),
      read: (prefix) =>
        answer(() => ({
          entries: [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix)),
          revision: this.#revision,
        })),
      commit: (guards, writes) =>
        answer(() => {
          const holds = guards.every(({ key, createdRevision, changedRevision }) => {
            const found = this.#entries.get(key);
            return changedRevision === undefined
              ? (found?.createdRevision ?? 0) === (createdRevision ?? 0)
              : (found?.changedRevision ?? 0) === changedRevision;
          });
          if (holds) {
            this.#revision += 1;
            const changes = writes.map((write): EtcdChange => {
              const { key } = write;
              const changedRevision = this.#revision;
              if (write.type === 'delete') {
                this.#entries.delete(key);
                return { type: 'delete', key, changedRevision };
              }
              const createdRevision = this.#entries.get(key)?.createdRevision ?? this.#revision;
              const [value, lease] = [Buffer.from(write.value), write.lease ?? '0'];
              const entry = { key, value, createdRevision, changedRevision, lease };
              this.#entries.set(key, entry);
              return { type: 'put', ...entry };
            });
            this.#tell(changes);
          }
          return { succeeded: holds, revision: this.#revision };
        }),
      watch: (prefix, _fromRevision, on) => {
        const watch = { prefix, hangs, on };
        this.#watches.add(watch);
        return { stop: () => void this.#watches.delete(watch) };
      },
      grant: (ttlSeconds) =>
        answer(() => {
          this.#granted += 1;
          const lease = `lease-${this.#granted}`;
          const ttlMs = ttlSeconds * 1000;
          this.#leases.set(lease, { ttlMs, endsMs: this.#clock.monotonicMs() + ttlMs });
          return lease;
        }),
      keepAlive: (lease) =>
        answer(() => {
          const held = this.#leases.get(lease);
          if (held === undefined) return 0;
          held.endsMs = this.#clock.monotonicMs() + held.ttlMs;
          return held.ttlMs / 1000;
        }),
      status: () => answer(() => ({ version: this.version, dbBytes: 1, usedBytes: 1 })),
      revoke: (lease) => answer(() => this.#end(lease)),
    };
  }

  #end(lease: string): void {
    if (!this.#leases.delete(lease)) return;
    this.#revision += 1;
    const changedRevision = this.#revision;
    const gone = [...this.#entries.values()].filter((entry) => entry.lease === lease);
    for (const { key } of gone) this.#entries.delete(key);
    this.#tell(gone.map(({ key }) => ({ type: 'delete', key, changedRevision })));
  }

  #tell(changes: readonly EtcdChange[]): void {
    for (const { prefix, hangs, on } of [...this.#watches]) {
      const told = changes.filter(({ key }) => key.startsWith(prefix));
      if (told.length > 0 && !hangs()) on.changed(told, this.#revision);
    }
  }
}
