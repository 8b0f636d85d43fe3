// What the store and the cluster ask of etcd: keys are text, values bytes, revisions numbers.
// Implemented by `cluster/etcd-client.ts`; every call rejects when etcd does not answer in time.

export interface EtcdEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createdRevision: number;
  readonly changedRevision: number;
  /** `0`: none. */
  readonly lease: string;
}

/** A key that must still be as it was: created then (0: absent), or last changed then. */
export interface EtcdGuard {
  readonly key: string;
  readonly createdRevision?: number;
  readonly changedRevision?: number;
}

export type EtcdWrite =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array | string;
      readonly lease?: string;
    }
  | { readonly type: 'delete'; readonly key: string };

export type EtcdChange =
  | ({ readonly type: 'put' } & EtcdEntry)
  | { readonly type: 'delete'; readonly key: string; readonly changedRevision: number };

export interface EtcdWatchListener {
  /** etcd has taken the watch. */
  started?(): void;
  /** All changes of one revision or more, in order; `revision`: the newest. */
  changed(changes: readonly EtcdChange[], revision: number): void;
  /** Called once, unless stopped. `compacted`: what was asked for is told no more; read anew. */
  ended(end: { readonly reason: string; readonly compacted: boolean }): void;
}

export interface EtcdWatch {
  stop(): void;
}

export interface EtcdKv {
  get(key: string): Promise<{ readonly entry: EtcdEntry | undefined; readonly revision: number }>;
  /** Everything under a prefix, as of one revision; `keys`: with empty values, which is faster. */
  read(
    prefix: string,
    what?: 'keys',
  ): Promise<{ readonly entries: readonly EtcdEntry[]; readonly revision: number }>;
  /** Writes all, or nothing when a guard does not hold. At most 128 writes (etcd's own limit). */
  commit(
    guards: readonly EtcdGuard[],
    writes: readonly EtcdWrite[],
  ): Promise<{ readonly succeeded: boolean; readonly revision: number }>;
  watch(prefix: string, fromRevision: number, listener: EtcdWatchListener): EtcdWatch;
}
