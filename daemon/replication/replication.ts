// Replication between clusters: our export to whoever asks, theirs to us. Composes the server, the
// dialers and the edges.

import type { Server } from '@grpc/grpc-js';
import type { ExportRecord, ExportSource, ImportSink } from '../model/records.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { plainCertificates, watchCertificates } from './certificates.ts';
import type { CertificateFacts, TlsFiles } from './certificates.ts';
import { Dialer } from './dialer.ts';
import { ExportEdges } from './export-edges.ts';
import type { ExporterFrame, StreamEnd } from './frames.ts';
import { ImportEdge } from './import-edge.ts';
import type { ImporterPort } from './importer-session.ts';
import { defaultLimits } from './limits.ts';
import type { ReplicationLimits } from './limits.ts';
import type { LinkStatus } from './link-status.ts';
import type { LookupQuery, LookupSource } from './lookup.ts';
import { lookUp, push, subscribe } from './peer-client.ts';
import type { PeerClientOptions } from './peer-client.ts';
import { PushAcceptor } from './push-acceptor.ts';
import { startReplicationServer } from './server.ts';
import type { OpenedSession } from './stream-binding.ts';
import type { VersionRange } from './versions.ts';

/** A cluster to replicate with. */
export interface ReplicationPeer {
  readonly cluster: string;
  /** `host:port` of its members' RPC, to be tried in this order. */
  readonly addresses: readonly string[];
  readonly tls: boolean;
  /** Identity of its registry as the pool knows it; another one is refused. Empty: not known. */
  readonly registry?: string;
  /** Only pulled from: a replica that follows its leader brings it nothing. */
  readonly push?: 'never';
}

export interface ReplicationOptions {
  readonly cluster: string;
  readonly node: string;
  /** Identity of the registry that our cluster serves; empty: not said. */
  readonly registry?: string;
  readonly source: ExportSource;
  /** The sink of a peer; asked for once per `connect`. */
  sinkFor(cluster: string): ImportSink;
  readonly lookup: LookupSource;
  readonly listen: { readonly host: string; readonly port: number };
  /** Files for TLS; without them nothing is encrypted. They are watched, and may be replaced. */
  readonly tls?: TlsFiles | undefined;
  /**
   * Whether we open Push streams. `auto`: to a peer that we reach and that has not come for our
   * export by itself within `pushAfterMs` — then it cannot dial us.
   */
  readonly push?: 'auto' | 'always' | 'never';
  readonly pushAfterMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: Partial<ReplicationLimits>;
  readonly versions?: VersionRange;
}

export interface Replication {
  /** Listens. Rejects when the address is taken. */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  /** Pulls from a peer from now on; called again with other addresses it takes those. */
  connect(peer: ReplicationPeer): void;
  /** Ends with a peer. `left`: it announced leaving; else it is no more to be replicated with. */
  disconnect(cluster: string, left: boolean): void;
  links(): readonly LinkStatus[];
  /** What is known of our certificate; `undefined` without TLS. */
  certificate(): CertificateFacts | undefined;
  /** Up to `limit` records of a peer's export; rejects when no address answers. */
  lookup(
    cluster: string,
    query: LookupQuery,
    limit: number,
    timeoutMs: number,
  ): Promise<{ readonly records: readonly ExportRecord[]; readonly total: number }>;
  /** Calls `listener` when a link's state changes; returns the way to stop it. */
  onChange(listener: () => void): () => void;
  /** Says goodbye to all and closes. `leaving`: the cluster leaves the pool; else it comes back. */
  stop(leaving: boolean): Promise<void>;
}

interface Peer {
  peer: ReplicationPeer;
  readonly edge: ImportEdge;
  readonly puller: Dialer;
  readonly pusher: Dialer | undefined;
}

/** Streams that may be open at once on the server, greeted or not. */
const openStreams = 512;
const defaultPushAfterMs = 10_000;
/** How long a goodbye may take to leave. */
const goodbyeMs = 300;

/** Gives replication, not started. Throws `CertificateError` when the files of `tls` are no use. */
export function createReplication(options: ReplicationOptions): Replication {
  const { cluster, node, registry = '', source, clock, logger } = options;
  const limits: ReplicationLimits = { ...defaultLimits, ...options.limits };
  const certificates =
    options.tls === undefined ? plainCertificates() : watchCertificates(options.tls, clock, logger);
  const listeners = new Set<() => void>();
  const onChange = (): void => {
    for (const listener of listeners) listener();
  };
  const versions = options.versions === undefined ? {} : { versions: options.versions };
  const common = { node, registry, clock, limits, onChange, ...versions };
  const exports = new ExportEdges({ ...common, source });
  const peers = new Map<string, Peer>();
  let server: Server | undefined;

  const clientOptions = (peer: ReplicationPeer, address: string): PeerClientOptions => ({
    address,
    credentials: certificates.client(peer.tls, hostOf(address), peer.cluster),
    limits,
  });

  const openPushed = (
    announced: string,
    address: string,
    port: ImporterPort,
  ): OpenedSession<ExporterFrame> | StreamEnd => {
    const edge = peers.get(announced)?.edge;
    if (edge === undefined) {
      const reason = `'${announced}' is no cluster of this pool`;
      return { code: 'unknown-cluster', reason };
    }
    const session = edge.open('push', address, port);
    return 'code' in session ? session : { session, figures: edge.figures };
  };

  const pull = async (current: Peer, address: string): Promise<StreamEnd> => {
    const { edge, peer } = current;
    if (edge.isConnected) return { code: 'duplicate', reason: 'the export is pushed to us' };
    edge.wantedRegistry = peer.registry ?? '';
    return subscribe(clientOptions(peer, address), (port) => {
      const session = edge.open('pull', address, port);
      return 'code' in session ? session : { session, figures: edge.figures };
    });
  };

  const bring = async (peer: ReplicationPeer, address: string): Promise<StreamEnd> => {
    if (exports.isImportedBy(peer.cluster)) {
      return { code: 'duplicate', reason: 'the export is pulled from us' };
    }
    return push(clientOptions(peer, address), (port) => exports.open('push', address, port));
  };

  const add = (peer: ReplicationPeer): void => {
    const log = logger.child({ peer: peer.cluster });
    const sink = options.sinkFor(peer.cluster);
    const edge = new ImportEdge({ ...common, cluster, sink, logger });
    const dial = { addresses: peer.addresses, clock, random: options.random };
    const mode = peer.push ?? options.push ?? 'auto';
    const puller = new Dialer({
      ...dial,
      logger: log.child({ stream: 'pull' }),
      attempt: (address) => pull(added, address),
    });
    const pusher =
      mode === 'never'
        ? undefined
        : new Dialer({
            ...dial,
            logger: log.child({ stream: 'push' }),
            attempt: (address) => bring(added.peer, address),
          });
    const added: Peer = { peer, edge, puller, pusher };
    peers.set(peer.cluster, added);
    puller.start();
    if (mode === 'always') pusher?.start();
    else if (pusher !== undefined) {
      clock.after(options.pushAfterMs ?? defaultPushAfterMs, () => pusher.start());
    }
  };

  const remove = (current: Peer): void => {
    current.puller.stop();
    current.pusher?.stop();
  };

  return {
    async start() {
      const started = await startReplicationServer({
        ...options.listen,
        credentials: certificates.server,
        limits,
        lookup: options.lookup,
        onSubscribe: (address, port) =>
          exports.openStreams < openStreams
            ? exports.open('pull', address, port)
            : { code: 'duplicate', reason: `${openStreams} streams are open; try later` },
        onPush: (address, port) => {
          const session = new PushAcceptor({
            clock,
            limits,
            port,
            open: (announced, out) => openPushed(announced, address, out),
          });
          return {
            session,
            get figures() {
              return session.figures;
            },
          };
        },
      });
      server = started.server;
      return { host: options.listen.host, port: started.port };
    },

    connect(peer) {
      const known = peers.get(peer.cluster);
      if (known === undefined) {
        add(peer);
        return;
      }
      known.peer = peer;
      known.puller.update(peer.addresses);
      known.pusher?.update(peer.addresses);
    },

    disconnect(name, left) {
      const known = peers.get(name);
      if (known === undefined) return;
      peers.delete(name);
      remove(known);
      const reason = left ? 'the cluster has left the pool' : 'no longer replicated with';
      known.edge.close(left, reason);
      exports.forget(name);
    },

    links: () => [...[...peers.values()].map(({ edge }) => edge.status), ...exports.statuses],

    certificate: () => certificates.facts,

    async lookup(name, query, limit, timeoutMs) {
      const known = peers.get(name);
      if (known === undefined) throw new Error(`'${name}' is no cluster of this pool`);
      let failure: unknown;
      for (const address of known.peer.addresses) {
        try {
          return await lookUp(clientOptions(known.peer, address), query, limit, timeoutMs);
        } catch (error) {
          failure = error;
        }
      }
      throw new Error(`no member of '${name}' answered the look-up`, { cause: failure });
    },

    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },

    async stop(leaving) {
      for (const known of peers.values()) {
        remove(known);
        known.edge.stop('this syncer stops');
      }
      exports.stop(leaving, leaving ? 'the cluster leaves the pool' : 'this syncer restarts');
      const closing = server;
      if (closing !== undefined) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            closing.forceShutdown();
            resolve();
          }, goodbyeMs);
          closing.tryShutdown(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
      certificates.close();
    },
  };
}

/** The host of `host:port` or `[host]:port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
