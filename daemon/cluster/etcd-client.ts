// etcd as the cluster uses it, through the npm package etcd3: every call has a deadline, nothing is
// tried again behind our back, and a watch says when it has ended instead of hiding it.

import { Etcd3, type IOptions } from 'etcd3';
import type {
  EtcdChange,
  EtcdEntry,
  EtcdGuard,
  EtcdKv,
  EtcdWatch,
  EtcdWrite,
} from '../store/etcd-kv.ts';

/** How to reach etcd. */
export interface EtcdAccess {
  /** `http://host:port`, or https with `tls`. */
  readonly endpoints: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly tls?: {
    readonly ca?: Buffer | undefined;
    readonly cert?: Buffer | undefined;
    readonly key?: Buffer | undefined;
  };
}

export interface EtcdMemberEntry {
  readonly id: string;
  /** Empty: added, and never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface EtcdClient extends EtcdKv {
  /** Gives the id of a new lease. */
  grant(ttlSeconds: number): Promise<string>;
  /** Gives the seconds that the lease has from now; 0: it is gone. */
  keepAlive(lease: string): Promise<number>;
  /** Ends a lease and what hangs on it; one that is gone already is fine. */
  revoke(lease: string): Promise<void>;
  members(): Promise<readonly EtcdMemberEntry[]>;
  addMember(peerUrl: string): Promise<readonly EtcdMemberEntry[]>;
  removeMember(id: string): Promise<void>;
  /** What the member that answers says of itself. */
  status(): Promise<{
    readonly version: string;
    /** Size of its file, and how much of it is in use. */
    readonly dbBytes: number;
    readonly usedBytes: number;
  }>;
  defragment(): Promise<void>;
  close(): void;
}

/** Longest wait for an answer. Raising it makes a hanging member noticed later. */
const callMs = 2_000;
/** Reading and defragmenting take as long as there is data. */
const longCallMs = 30_000;
const pageSize = 5_000;
/**
 * A connection that is silent for so long is asked whether it lives, and has so long to answer. etcd
 * refuses to be asked more often than every 5 s; raising it leaves a dead watch unseen for longer.
 */
const aliveEveryMs = 10_000;
const aliveWithinMs = 3_000;

/** etcd3's own retries would hide how long a call took; we decide ourselves. */
const once = {
  execute: async <T>(run: (context: { signal: AbortSignal }) => PromiseLike<T> | T): Promise<T> =>
    run({ signal: new AbortController().signal }),
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
};

/** Gives the client; it connects when it is first asked. */
export function createEtcdClient(access: EtcdAccess): EtcdClient {
  const { endpoints, user, password, tls } = access;
  const within = (ms = callMs): { deadline: Date } => ({ deadline: new Date(Date.now() + ms) });
  const client = new Etcd3({
    hosts: [...endpoints],
    ...(user === undefined
      ? {}
      : { auth: { username: user, password: password ?? '', callOptions: () => within() } }),
    // Without authorities of its own etcd3 takes those of Node.
    ...(tls?.ca === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: tls.ca,
            ...(tls.key === undefined ? {} : { privateKey: tls.key }),
            ...(tls.cert === undefined ? {} : { certChain: tls.cert }),
          },
        }),
    grpcOptions: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.max_receive_message_length': -1,
      // A machine that vanished ends no connection: its watches would be silent for ever.
      'grpc.keepalive_time_ms': aliveEveryMs,
      'grpc.keepalive_timeout_ms': aliveWithinMs,
    },
    faultHandling: { host: () => once, global: once } as unknown as NonNullable<
      IOptions['faultHandling']
    >,
  });
  return {
    async get(key) {
      const { kvs, header } = await client.kv.range({ key: Buffer.from(key) }, within());
      const found = kvs[0];
      return {
        entry: found === undefined ? undefined : entryOf(found),
        revision: Number(header.revision),
      };
    },

    async read(prefix, what) {
      const entries: EtcdEntry[] = [];
      const end = prefixEnd(prefix);
      let from = Buffer.from(prefix);
      let revision = 0;
      for (;;) {
        const page = await client.kv.range(
          {
            ...{ key: from, range_end: end, limit: pageSize, revision },
            keys_only: what === 'keys',
          },
          within(longCallMs),
        );
        revision = revision === 0 ? Number(page.header.revision) : revision;
        for (const kv of page.kvs) entries.push(entryOf(kv));
        const last = page.kvs.at(-1);
        if (!page.more || last === undefined) return { entries, revision };
        from = Buffer.concat([last.key, Buffer.from([0])]);
      }
    },

    async commit(guards, writes) {
      const { succeeded, header } = await client.kv.txn(
        { compare: guards.map(compareOf), success: writes.map(operationOf), failure: [] },
        within(),
      );
      return { succeeded, revision: Number(header.revision) };
    },

    watch(prefix, fromRevision, listener): EtcdWatch {
      let ended = false;
      const isOver = (): boolean => ended;
      let cancel: () => void = () => undefined;
      const end = (reason: string, compacted = false): void => {
        if (ended) return;
        ended = true;
        cancel();
        listener.ended({ reason, compacted });
      };
      void (async () => {
        const stream = await client.watchClient.watch();
        cancel = () => {
          stream.cancel();
        };
        if (isOver()) cancel();
        stream.on('error', (error: Error) => end(error.message));
        stream.on('end', () => end('the stream has ended'));
        stream.on('data', (answer) => {
          if (answer.canceled) {
            end(answer.cancel_reason, Number(answer.compact_revision) > 0);
            return;
          }
          if (answer.created) listener.started?.();
          if (answer.events.length === 0) return;
          const changes = answer.events.map(({ type, kv }): EtcdChange => {
            const { key, ...rest } = entryOf(kv);
            const { changedRevision } = rest;
            return type === 'Delete'
              ? { type: 'delete', key, changedRevision }
              : { type: 'put', key, ...rest };
          });
          listener.changed(changes, Number(answer.header.revision));
        });
        stream.write({
          create_request: {
            key: Buffer.from(prefix),
            range_end: prefixEnd(prefix),
            start_revision: fromRevision,
          },
        });
      })().catch((error: unknown) => end(String(error)));
      return {
        stop() {
          ended = true;
          cancel();
        },
      };
    },

    async grant(ttlSeconds) {
      return (await client.leaseClient.leaseGrant({ TTL: ttlSeconds }, within())).ID;
    },

    async keepAlive(lease) {
      const stream = await client.leaseClient.leaseKeepAlive(within());
      try {
        return await new Promise<number>((resolve, reject) => {
          stream.on('data', (answer) => resolve(Number(answer.TTL)));
          stream.on('error', reject);
          stream.on('end', () => reject(new Error('no answer to the keep-alive')));
          stream.write({ ID: lease });
        });
      } finally {
        stream.on('error', () => undefined);
        stream.cancel();
      }
    },

    async revoke(lease) {
      try {
        await client.leaseClient.leaseRevoke({ ID: lease }, within());
      } catch (error) {
        if (!String(error).includes('requested lease not found')) throw error;
      }
    },

    async members() {
      return (await client.cluster.memberList({}, within())).members.map(memberOf);
    },

    async addMember(peerUrl) {
      const answer = await client.cluster.memberAdd({ peerURLs: [peerUrl] }, within(10_000));
      return answer.members.map(memberOf);
    },

    async removeMember(id) {
      await client.cluster.memberRemove({ ID: id }, within(10_000));
    },

    async status() {
      const { version, dbSize, dbSizeInUse } = await client.maintenance.status(within());
      return { version, dbBytes: Number(dbSize), usedBytes: Number(dbSizeInUse) };
    },

    async defragment() {
      await client.maintenance.defragment(within(longCallMs));
    },

    close: () => client.close(),
  };
}

interface RawEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly lease: string;
}

function entryOf({ key, value, create_revision, mod_revision, lease }: RawEntry): EtcdEntry {
  return {
    key: key.toString(),
    value,
    createdRevision: Number(create_revision),
    changedRevision: Number(mod_revision),
    lease,
  };
}

function memberOf(raw: {
  readonly ID: string;
  readonly name: string;
  readonly peerURLs: string[];
}): EtcdMemberEntry {
  return { id: raw.ID, name: raw.name, peerUrls: raw.peerURLs };
}

function compareOf({ key, createdRevision, changedRevision }: EtcdGuard) {
  const common = { key: Buffer.from(key), result: 'Equal' as const };
  return changedRevision === undefined
    ? { ...common, target: 'Create' as const, create_revision: createdRevision ?? 0 }
    : { ...common, target: 'Mod' as const, mod_revision: changedRevision };
}

function operationOf(write: EtcdWrite) {
  const key = Buffer.from(write.key);
  return write.type === 'delete'
    ? { request_delete_range: { key } }
    : {
        request_put: {
          key,
          value: bytesOf(write.value),
          ...(write.lease === undefined ? {} : { lease: write.lease }),
        },
      };
}

/** Bytes are sent as they are, without a copy. */
function bytesOf(value: Uint8Array | string): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** The first key after all that begin with `prefix`. */
function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}
