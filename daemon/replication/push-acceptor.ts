// A pushed stream before it is known whose export it brings: waits for the announcement, then hands
// the stream over to that peer's edge.

import type { Clock, Timer } from '../support/clock.ts';
import type { ExporterFrame, StreamEnd } from './frames.ts';
import type { ImporterPort } from './importer-session.ts';
import type { ReplicationLimits } from './limits.ts';
import type { OpenedSession } from './stream-binding.ts';
import { newFigures } from './stream-figures.ts';
import type { EdgeFigures } from './stream-figures.ts';

export interface PushAcceptorOptions {
  readonly clock: Clock;
  readonly limits: ReplicationLimits;
  readonly port: ImporterPort;
  /** Opens the importer session of the cluster that announced itself, or says why not. */
  open(cluster: string, port: ImporterPort): OpenedSession<ExporterFrame> | StreamEnd;
}

export class PushAcceptor {
  readonly #options: PushAcceptorOptions;
  #opened: OpenedSession<ExporterFrame> | undefined;
  #timer: Timer | undefined;
  /** Until the edge is known. */
  readonly #own = newFigures();

  constructor(options: PushAcceptorOptions) {
    this.#options = options;
  }

  get figures(): EdgeFigures {
    return this.#opened?.figures ?? this.#own;
  }

  start(): void {
    const { clock, limits, port } = this.#options;
    this.#timer = clock.after(limits.helloTimeoutMs, () => {
      port.end({ code: 'protocol', reason: `no Hello within ${limits.helloTimeoutMs} ms` });
    });
  }

  receive(frame: ExporterFrame): void {
    if (this.#opened === undefined) {
      this.#timer?.cancel();
      const { port } = this.#options;
      if (frame.type !== 'hello') {
        port.end({ code: 'protocol', reason: `'${frame.type}' before Hello` });
        return;
      }
      const opened = this.#options.open(frame.cluster, port);
      if (!('session' in opened)) {
        port.end(opened);
        return;
      }
      this.#opened = opened;
      opened.session.start();
    }
    this.#opened.session.receive(frame);
  }

  abort(end: StreamEnd): void {
    this.#timer?.cancel();
    if (this.#opened === undefined) this.#options.port.end(end);
    else this.#opened.session.abort(end);
  }

  lost(reason: string): void {
    this.abort({ code: 'lost', reason });
  }
}
