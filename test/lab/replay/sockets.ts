// The watch sockets of a scenario: what arrives on them, when, and how they close.

import { WebSocket } from 'ws';
import { poll } from '../../support/poll.ts';
import { match, type Bindings } from './match.ts';
import type { Target } from './target.ts';
import type { Scenario, SocketEvents } from './transcript.ts';

interface Frame {
  readonly atMs: number;
  readonly text: string;
}

interface Socket {
  readonly ws: WebSocket;
  readonly frames: Frame[];
  /** How many of them earlier steps have compared. */
  compared: number;
  closedWith: number | undefined;
}

/** How late a frame may come on a busy machine, real milliseconds. */
const lateMs = 20_000;
/** How much shorter than recorded a gap between frames may be (they are rounded to 100 ms). */
const gapToleranceMs = 150;

export class Sockets {
  readonly #target: Target;
  readonly #scenario: Scenario;
  readonly #sockets = new Map<string, Socket>();

  constructor(target: Target, scenario: Scenario) {
    this.#target = target;
    this.#scenario = scenario;
  }

  async open(name: string, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const ws = new WebSocket(this.#target.url.replace('http', 'ws') + path, { headers });
    const socket: Socket = { ws, frames: [], compared: 0, closedWith: undefined };
    this.#sockets.set(name, socket);
    ws.on('message', (data) => {
      const text = (data as Buffer).toString('utf8');
      socket.frames.push({ atMs: this.#target.nowMs(), text });
    });
    ws.on('close', (code) => (socket.closedWith = code));
    await new Promise<void>((resolve, reject) => {
      ws.once('open', () => resolve());
      ws.once('error', reject);
    });
    ws.on('error', () => undefined);
  }

  /** Waits until all that the server has sent so far is here: an answered ping is behind it. */
  async settle(): Promise<void> {
    for (const { ws } of this.#sockets.values()) {
      if (ws.readyState !== ws.OPEN) continue;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          ws.off('pong', done);
          ws.off('close', done);
          resolve();
        };
        ws.on('pong', done);
        ws.on('close', done);
        ws.ping();
      });
    }
  }

  /** Compares what came since the last such step. Throws at a difference. */
  async expect(step: SocketEvents, known: Bindings): Promise<Bindings> {
    const socket = this.#sockets.get(step.ws.name);
    if (socket === undefined) throw new Error(`no socket ${step.ws.name} was opened`);
    const frameSize = /after a (\d+) byte text frame/.exec(step.note ?? '')?.[1];
    if (frameSize !== undefined) socket.ws.send('x'.repeat(Number(frameSize)));
    await this.#target.pass(step.withinMs, () => this.settle());

    const from = socket.compared;
    const until = from + step.events.length;
    await poll(() => socket.frames.length >= until || undefined, lateMs);
    socket.compared = until;
    // A paced queue may be ahead of the recording, as long as the order is the same.
    if (step.gapsMs === undefined || this.#isLast(step)) {
      if (socket.frames.length > until) {
        throw new Error(`an unexpected frame came: ${String(socket.frames[until]?.text)}`);
      }
    }
    const frames = socket.frames.slice(from, until);
    let found = known;
    for (const [at, event] of step.events.entries()) {
      const text = frames[at]?.text ?? '';
      const [expected, actual] =
        event.text === undefined ? [event.json, JSON.parse(text)] : [event.text, text];
      const next = match(expected, actual, found, { moreFields: false });
      if (next === undefined) {
        throw new Error(`frame ${at} differs.\nrecorded: ${JSON.stringify(event)}\ncame: ${text}`);
      }
      found = next;
    }
    for (const [at, recordedMs] of (step.gapsMs ?? []).entries()) {
      const gapMs = (frames[at + 1]?.atMs ?? 0) - (frames[at]?.atMs ?? 0);
      if (gapMs < recordedMs - gapToleranceMs) {
        throw new Error(`frames ${at} and ${at + 1} came ${gapMs} ms apart, not ${recordedMs}`);
      }
    }
    if (step.closed !== undefined) {
      const { code } = step.closed;
      await poll(() => socket.closedWith ?? undefined, lateMs);
      if (socket.closedWith !== code) {
        throw new Error(`closed with ${String(socket.closedWith)} instead of ${code}`);
      }
    } else if (socket.closedWith !== undefined) {
      throw new Error(`closed with ${socket.closedWith}, and was open in the recording`);
    }
    return found;
  }

  #isLast(step: SocketEvents): boolean {
    const steps = this.#scenario.steps;
    const later = steps.slice(steps.indexOf(step) + 1);
    return !later.some((other) => 'events' in other && other.ws.name === step.ws.name);
  }

  close(): void {
    for (const { ws } of this.#sockets.values()) ws.terminate();
  }
}
