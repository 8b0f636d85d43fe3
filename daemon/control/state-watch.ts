// The state, pushed: everything at first, then the sections that changed, no more often than asked.

import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import { sleep } from '../support/clock.ts';
import type { ControlBackend } from './ports.ts';
import { viewState } from './state-view.ts';

const usualIntervalMs = 250;
/** Looks again without a hint after this: a heartbeat that stays away makes no event. */
const lookAgainMs = 1_000;

type Section = Exclude<keyof State, 'nowMs'>;
const sections = [
  'identity',
  'summary',
  'registry',
  'figures',
  'peers',
  'links',
  'members',
] as const satisfies readonly Section[];

/** Yields states until `signal` aborts. A section that is `undefined` has not changed. */
export async function* watchState(
  backend: ControlBackend,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<State> {
  const gapMs = minIntervalMs > 0 ? minIntervalMs : usualIntervalMs;
  const hints = hintsOf(backend);
  const sent = new Map<Section, string>();
  try {
    while (!signal.aborted) {
      const changed = changedSections(viewState(backend), sent);
      if (changed !== undefined) yield changed;
      if (!(await pause(backend, gapMs, signal))) return;
      await hints.next(backend, Math.max(0, lookAgainMs - gapMs), signal);
    }
  } finally {
    hints.stop();
  }
}

function changedSections(state: State, sent: Map<Section, string>): State | undefined {
  const changed: State = {
    nowMs: state.nowMs,
    identity: undefined,
    summary: undefined,
    registry: undefined,
    figures: undefined,
    peers: undefined,
    links: undefined,
    members: undefined,
  };
  let any = false;
  for (const section of sections) {
    const text = JSON.stringify(state[section]);
    if (sent.get(section) === text) continue;
    sent.set(section, text);
    Object.assign(changed, { [section]: state[section] });
    any = true;
  }
  return any ? changed : undefined;
}

interface Hints {
  /** Resolves at a hint (also one since the last call), after `timeoutMs`, or at the abort. */
  next(backend: ControlBackend, timeoutMs: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

function hintsOf(backend: ControlBackend): Hints {
  let pending = false;
  let waiting: (() => void) | undefined;
  const hint = (): void => {
    pending = true;
    waiting?.();
  };
  const stops = [backend.engine.onChange(hint), backend.onChange(hint)];
  return {
    async next({ clock }, timeoutMs, signal) {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(timeoutMs, resolve);
          const done = (): void => {
            timer.cancel();
            resolve();
          };
          waiting = done;
          signal.addEventListener('abort', done, { once: true });
        });
      }
      waiting = undefined;
      pending = false;
    },
    stop: () => stops.forEach((end) => end()),
  };
}

/** False when the signal aborted meanwhile. */
async function pause({ clock }: ControlBackend, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, ms, signal);
    return true;
  } catch {
    return false;
  }
}
