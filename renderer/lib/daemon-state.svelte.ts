// The daemon's state as it was last heard: the first message has every section, later ones replace
// those that changed. When the connection breaks, the figures stay, and their age with them.

import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonClient } from '../../proto/ipc/contract.ts';
import type { RemoteError } from '../../proto/ipc/verbs.ts';
import { samples } from './samples.svelte.ts';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected' }
  | { readonly state: 'lost'; readonly sinceMs: number; readonly error: RemoteError | undefined };

const retryMs = 1_000;
/** Lists are asked for again this long after a change. Raising it makes them older. */
const pulseMs = 1_000;

class DaemonState {
  /** Undefined until the daemon has answered once. */
  state = $state.raw<State | undefined>();
  connection = $state.raw<Connection>({ state: 'connecting' });
  /** When `state` was last changed, by this machine's clock. */
  heardMs = $state(0);
  /** Daemon's clock minus this one's, so that ages of its times come out right. */
  offsetMs = $state(0);
  /** Grows, at most once a second, after something has changed: lists ask again then. */
  pulse = $state(0);
  #pulsing = false;
  #close: (() => void) | undefined;

  /** Keeps the state up to date until `stop`. */
  follow(daemon: DaemonClient): void {
    this.#close = daemon.watchState(
      { minIntervalMs: 250 },
      (part) => this.#take(part),
      (error) => {
        if (this.connection.state !== 'lost') {
          this.connection = { state: 'lost', sinceMs: Date.now(), error };
        }
        const timer = setTimeout(() => this.follow(daemon), retryMs);
        this.#close = () => clearTimeout(timer);
      },
    );
  }

  stop(): void {
    this.#close?.();
  }

  #take(part: State): void {
    const before = this.state;
    const after = Object.fromEntries(
      Object.entries(part).filter(([, section]) => section !== undefined),
    ) as unknown as State;
    this.state = before === undefined ? after : { ...before, ...after };
    this.heardMs = Date.now();
    this.offsetMs = part.nowMs - this.heardMs;
    this.connection = { state: 'connected' };
    if (part.figures !== undefined) samples.take(part.figures, part.nowMs);
    if (this.#pulsing) return;
    this.#pulsing = true;
    setTimeout(() => {
      this.#pulsing = false;
      this.pulse += 1;
    }, pulseMs);
  }
}

export const daemonState = new DaemonState();

class Clock {
  #nowMs = $state(Date.now());

  constructor() {
    setInterval(() => (this.#nowMs = Date.now()), 1_000);
  }

  /** The daemon's time, moving once a second. */
  get daemonMs(): number {
    return this.#nowMs + daemonState.offsetMs;
  }
}

export const clock = new Clock();
