// One peer's export into us, over all the streams that ever carry it: which one is in use, and
// whether the peer is connected, silent or has left.

import type { ImportSink, LinkState } from '../model/records.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { StreamEnd } from './frames.ts';
import { ImporterSession } from './importer-session.ts';
import type { ImporterPort } from './importer-session.ts';
import type { ReplicationLimits } from './limits.ts';
import type { LinkStatus } from './link-status.ts';
import { newFigures } from './stream-figures.ts';
import type { VersionRange } from './versions.ts';

export interface ImportEdgeOptions {
  readonly sink: ImportSink;
  /** Ourselves. */
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
  readonly clock: Clock;
  readonly limits: ReplicationLimits;
  readonly versions?: VersionRange;
  readonly logger: Logger;
  /** The state, or who is at the other end, has changed. */
  onChange(): void;
}

export class ImportEdge {
  readonly figures = newFigures();
  /** Identity of the peer's registry as the pool knows it; empty: not known. */
  wantedRegistry = '';
  readonly #options: ImportEdgeOptions;
  #session: ImporterSession | undefined;
  #state: LinkState = 'connecting';
  #reason = '';
  #sinceMs: number;
  /** When the peer itself was last heard, monotonic; at first: when we began to listen. */
  #heardMs: number;
  #silence: Timer | undefined;
  #via: 'pull' | 'push' | undefined;
  #address = '';
  #node = '';

  constructor(options: ImportEdgeOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
    this.#heardMs = options.clock.monotonicMs();
    options.sink.link('connecting', '');
    this.#watchSilence();
  }

  get status(): LinkStatus {
    return {
      direction: 'import',
      cluster: this.#options.sink.cluster,
      node: this.#node,
      via: this.#via,
      address: this.#address,
      state: this.#state,
      reason: this.#reason,
      sinceMs: this.#sinceMs,
      ...this.figures,
    };
  }

  /** True while a stream carries the peer's export: another one would be a duplicate. */
  get isConnected(): boolean {
    return this.#session?.isStreaming === true;
  }

  /**
   * Opens a session on a new stream, or says why not: the stream in use stays in use as long as it
   * is heard of, whoever opened it. The caller then calls `start` and feeds it frames.
   */
  open(via: 'pull' | 'push', address: string, port: ImporterPort): ImporterSession | StreamEnd {
    const { clock, limits } = this.#options;
    const current = this.#session;
    if (current !== undefined) {
      const quietMs = clock.monotonicMs() - (current.heardMs ?? 0);
      if (current.isStreaming && quietMs < 2 * limits.heartbeatMs + limits.silentAfterMs / 5) {
        const other = this.#via === 'pull' ? 'we pull it' : 'it is pushed to us';
        return {
          code: 'duplicate',
          reason: `already connected: ${other} through ${this.#address}`,
        };
      }
      if (current.isStreaming || via === 'push') {
        current.abort({ code: 'replaced', reason: `a newer stream came from ${address}` });
      } else if (this.#via === 'push') {
        return { code: 'duplicate', reason: `being connected through ${this.#address}` };
      }
    }
    const session: ImporterSession = new ImporterSession({
      ...this.#options,
      wantedRegistry: this.wantedRegistry,
      via,
      figures: this.figures,
      port: {
        send: (frame) => port.send(frame),
        end: (end) => {
          if (this.#session === session) this.#ended(end);
          port.end(end);
        },
      },
      onConnected: (hello) => {
        this.#node = hello.node;
        this.#set('connected', '');
        this.#watchSilence();
      },
    });
    this.#session = session;
    this.#via = via;
    this.#address = address;
    this.#node = '';
    return session;
  }

  /** A stream could not even be opened. */
  failed(end: StreamEnd): void {
    if (this.#session === undefined) this.#set(this.#state, end.reason);
  }

  /** The pool says that the peer left, or is no more to be replicated with. */
  close(left: boolean, reason: string): void {
    this.#silence?.cancel();
    this.#session?.abort({ code: left ? 'left' : 'stopped', reason });
    this.#silence?.cancel();
    this.#set(left ? 'left' : 'silent', reason);
  }

  /** We stop; the sink is told nothing, because nothing is known of the peer. */
  stop(reason: string): void {
    const session = this.#session;
    this.#session = undefined;
    this.#silence?.cancel();
    session?.abort({ code: 'stopped', reason });
  }

  #ended(end: StreamEnd): void {
    const session = this.#session;
    this.#heardMs = Math.max(this.#heardMs, session?.heardMs ?? 0);
    this.#session = undefined;
    if (end.code === 'left') this.#set('left', end.reason);
    else if (end.code === 'silent' && this.#state === 'connected') this.#set('silent', end.reason);
    else this.#set(this.#state === 'connected' ? 'connecting' : this.#state, end.reason);
    this.#watchSilence();
  }

  /** Turns `connecting` into `silent` once nothing was heard for long enough. */
  #watchSilence(): void {
    this.#silence?.cancel();
    if (this.#state !== 'connecting') return;
    const { clock, limits } = this.#options;
    const quietMs = clock.monotonicMs() - this.#heardMs;
    if (quietMs >= limits.silentAfterMs) {
      const why = this.#reason === '' ? '' : `: ${this.#reason}`;
      this.#set('silent', `nothing heard for ${Math.round(quietMs / 1000)} s${why}`);
      return;
    }
    this.#silence = clock.after(limits.silentAfterMs - quietMs, () => this.#watchSilence());
  }

  #set(state: LinkState, reason: string): void {
    if (state === this.#state && reason === this.#reason) return;
    if (state !== this.#state) {
      this.#sinceMs = this.#options.clock.nowMs();
      const { sink, logger } = this.#options;
      const about = { peer: sink.cluster, state, reason, via: this.#via, address: this.#address };
      logger.info(about, `import from ${sink.cluster}: ${state}`);
    }
    this.#state = state;
    this.#reason = reason;
    this.#options.sink.link(state, reason);
    this.#options.onChange();
  }
}
