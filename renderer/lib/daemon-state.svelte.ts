// The daemon's state as it was last heard: the first message has every section, later ones replace
// those that changed. When the connection breaks, the figures stay, and their age with them. A page
// that nobody sees hears nothing, and no clock of it ticks (lib/visibility.ts).

import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonClient } from '../../proto/ipc/contract.ts';
import type { RemoteError } from '../../proto/ipc/verbs.ts';
import { samples } from './samples.svelte.ts';
import { whileVisible } from './visibility.ts';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected' }
  | { readonly state: 'lost'; readonly sinceMs: number; readonly error: RemoteError | undefined };

const retryMs = 1_000;
/** Between two messages. Raising it makes figures older; each one costs drawing. */
const leastIntervalMs = 500;
/** Lists are asked for again this long after a change. Raising it makes them older. */
const pulseMs = 1_000;
/** The same where only measures of the registry have changed, as they do with each round. */
const slowPulseMs = 5_000;
/** The clocks' difference is taken anew when it is off by more: a message's way takes milliseconds. */
const clockJumpMs = 300;

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
  #pulse: { readonly dueMs: number; readonly timer: ReturnType<typeof setTimeout> } | undefined;
  #close: (() => void) | undefined;

  /** Keeps the state up to date while the page is seen. Gives what ends it. */
  follow(daemon: DaemonClient): () => void {
    return whileVisible(() => {
      samples.begin();
      this.#listen(daemon);
      return () => this.#close?.();
    });
  }

  #listen(daemon: DaemonClient): void {
    this.#close = daemon.watchState(
      { minIntervalMs: leastIntervalMs },
      (part) => this.#take(part),
      (error) => {
        if (this.connection.state !== 'lost') {
          this.connection = { state: 'lost', sinceMs: Date.now(), error };
        }
        const timer = setTimeout(() => this.#listen(daemon), retryMs);
        this.#close = () => clearTimeout(timer);
      },
    );
  }

  #take(part: State): void {
    const before = this.state;
    const after = Object.fromEntries(
      Object.entries(part).filter(([, section]) => section !== undefined),
    ) as unknown as State;
    this.state = before === undefined ? after : { ...before, ...after };
    this.heardMs = Date.now();
    const offsetMs = part.nowMs - this.heardMs;
    if (Math.abs(offsetMs - this.offsetMs) > clockJumpMs) this.offsetMs = offsetMs;
    this.connection = { state: 'connected' };
    if (part.figures !== undefined) samples.take(part.figures, part.nowMs);
    this.#pulseAfter(saysMoreThanMeasures(part) ? pulseMs : slowPulseMs);
  }

  /** Pulses once, after so long or earlier. */
  #pulseAfter(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (this.#pulse !== undefined) {
      if (this.#pulse.dueMs <= dueMs) return;
      clearTimeout(this.#pulse.timer);
    }
    const timer = setTimeout(() => {
      this.#pulse = undefined;
      this.pulse += 1;
    }, delayMs);
    this.#pulse = { dueMs, timer };
  }
}

/** Whether something may have changed that lists show. */
function saysMoreThanMeasures({ nowMs: _, registry: __, ...sections }: State): boolean {
  return Object.values(sections).some((section) => section !== undefined);
}

export const daemonState = new DaemonState();

class Clock {
  #nowMs = $state(Date.now());
  readonly #todayMs = $derived(new Date(this.daemonMs).setHours(0, 0, 0, 0));

  /** Moves once a second while the page is seen. Gives what ends it. */
  start(): () => void {
    return whileVisible(() => {
      const tick = (): void => void (this.#nowMs = Date.now());
      tick();
      const timer = setInterval(tick, 1_000);
      return () => clearInterval(timer);
    });
  }

  /** The daemon's time, moving once a second. */
  get daemonMs(): number {
    return this.#nowMs + daemonState.offsetMs;
  }

  /** When its day began: what shows a time of day alone depends on this, and so on no second. */
  get todayMs(): number {
    return this.#todayMs;
  }
}

export const clock = new Clock();
