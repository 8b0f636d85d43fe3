// Our export to others, over all streams: one session per importing member; who comes anew
// replaces the old stream, which is then dead or half open.

import type { ExportSource, LinkState } from '../model/records.ts';
import type { Clock } from '../support/clock.ts';
import { ExporterSession } from './exporter-session.ts';
import type { ExporterPort } from './exporter-session.ts';
import type { ImporterHello, StreamEnd } from './frames.ts';
import type { ReplicationLimits } from './limits.ts';
import type { LinkStatus } from './link-status.ts';
import { newFigures } from './stream-figures.ts';
import type { EdgeFigures } from './stream-figures.ts';
import type { VersionRange } from './versions.ts';

export interface ExportEdgesOptions {
  readonly source: ExportSource;
  readonly node: string;
  readonly registry: string;
  readonly clock: Clock;
  readonly limits: ReplicationLimits;
  readonly versions?: VersionRange;
  onChange(): void;
}

interface Edge {
  readonly cluster: string;
  readonly node: string;
  readonly figures: EdgeFigures;
  session: ExporterSession | undefined;
  via: 'pull' | 'push';
  address: string;
  state: LinkState;
  reason: string;
  sinceMs: number;
}

/** Members that are remembered after their stream has ended; the oldest are forgotten. */
const remembered = 64;

export class ExportEdges {
  readonly #options: ExportEdgesOptions;
  readonly #sessions = new Set<ExporterSession>();
  readonly #edges = new Map<string, Edge>();

  constructor(options: ExportEdgesOptions) {
    this.#options = options;
  }

  /** Streams that are open, greeted or not. */
  get openStreams(): number {
    return this.#sessions.size;
  }

  get statuses(): readonly LinkStatus[] {
    return [...this.#edges.values()].map(({ session: _, figures, ...edge }) => ({
      direction: 'export',
      ...edge,
      ...figures,
    }));
  }

  /** True while some member of `cluster` takes our export. */
  isImportedBy(cluster: string): boolean {
    return [...this.#edges.values()].some(
      (edge) => edge.cluster === cluster && edge.session !== undefined,
    );
  }

  /** Opens a session on a new stream. The caller then calls `start` and feeds it frames. */
  open(
    via: 'pull' | 'push',
    address: string,
    port: ExporterPort,
  ): { readonly session: ExporterSession; readonly figures: EdgeFigures } {
    const figures = newFigures();
    let edge: Edge | undefined;
    const session: ExporterSession = new ExporterSession({
      ...this.#options,
      via,
      figures,
      port: {
        send: (frame) => port.send(frame),
        end: (end) => {
          this.#sessions.delete(session);
          if (edge?.session === session) this.#ended(edge, end);
          port.end(end);
        },
      },
      admit: (hello) => {
        const refusal = this.#judge(hello);
        if (refusal === undefined) edge = this.#take(hello, session, figures, via, address);
        return refusal;
      },
    });
    this.#sessions.add(session);
    return { session, figures };
  }

  /** Says goodbye on all streams. */
  stop(leaving: boolean, reason: string): void {
    for (const session of [...this.#sessions]) session.stop(leaving, reason);
  }

  /** Forgets a cluster that has left. */
  forget(cluster: string): void {
    for (const [key, edge] of this.#edges) {
      if (edge.cluster !== cluster) continue;
      edge.session?.abort({ code: 'stopped', reason: 'no longer replicated with' });
      this.#edges.delete(key);
    }
    this.#options.onChange();
  }

  #judge(hello: ImporterHello): StreamEnd | undefined {
    const { source, node, registry } = this.#options;
    if (hello.cluster !== source.cluster) return undefined;
    if (hello.node === node) {
      const reason = `'${node}' of cluster '${source.cluster}' has reached itself`;
      return { code: 'wrong-cluster', reason };
    }
    if (hello.registry === registry || hello.registry === '' || registry === '') return undefined;
    return {
      code: 'wrong-cluster',
      reason:
        `'${hello.node}' calls its cluster '${hello.cluster}' as we do, beside another registry ` +
        `(${hello.registry}, here ${registry}); give one of the sites another --cluster-name`,
    };
  }

  #take(
    hello: ImporterHello,
    session: ExporterSession,
    figures: EdgeFigures,
    via: 'pull' | 'push',
    address: string,
  ): Edge {
    const { cluster, node } = hello;
    const key = `${cluster}/${node}`;
    const before = this.#edges.get(key);
    before?.session?.abort({ code: 'replaced', reason: `a newer stream came from ${address}` });
    // Counters go on over all streams of the edge: the new session counts on from the old one's.
    if (before !== undefined)
      Object.assign(figures, before.figures, added(before.figures, figures));
    const edge: Edge = {
      cluster,
      node,
      figures,
      session,
      via,
      address,
      state: 'connected',
      reason: '',
      sinceMs: this.#options.clock.nowMs(),
    };
    this.#edges.delete(key);
    this.#edges.set(key, edge);
    for (const [old, { session: open }] of this.#edges) {
      if (this.#edges.size <= remembered) break;
      if (open === undefined) this.#edges.delete(old);
    }
    this.#options.onChange();
    return edge;
  }

  #ended(edge: Edge, end: StreamEnd): void {
    edge.session = undefined;
    edge.state = end.code === 'left' ? 'left' : end.code === 'silent' ? 'silent' : 'connecting';
    edge.reason = end.reason;
    edge.sinceMs = this.#options.clock.nowMs();
    this.#options.onChange();
  }
}

function added(before: EdgeFigures, now: EdgeFigures): Partial<EdgeFigures> {
  return { bytesIn: before.bytesIn + now.bytesIn, bytesOut: before.bytesOut + now.bytesOut };
}
