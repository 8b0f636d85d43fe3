// The shell's connection to the daemon: where it is, whether it answers, and its state as it was
// last heard.

import type { ControlAddress } from '../../proto/control/address.ts';
import { connectControl } from '../../proto/control/client.ts';
import {
  contractHandlers,
  controlLink,
  type ControlLink,
} from '../../proto/control/contract-handlers.ts';
import { SyncerError } from '../../proto/errors.ts';
import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonHandlers } from '../../proto/ipc/contract.ts';
import type { Look } from './supervisor.ts';

/** A look at a place where no daemon runs is answered at once; one that hangs is given this long. */
const lookTimeoutMs = 3_000;
/** Between attempts to reach a daemon. Longer: the tray shows its return later. */
const retryMs = 500;

export interface DaemonLink {
  readonly handlers: DaemonHandlers;
  readonly control: ControlLink;
  /** As last heard; `undefined` while the daemon does not answer. */
  readonly state: State | undefined;
  /** Looks at every candidate, and from then on speaks to the one that answers. */
  look(): Promise<Look>;
  /** Speaks to the daemon at the own place again, and reopens the connection. */
  watch(): void;
  onState(listener: () => void): () => void;
  close(): void;
}

export interface LinkSettings {
  readonly own: ControlAddress;
  readonly candidates: () => readonly ControlAddress[];
  readonly version: string;
  readonly answered: (pid: number) => void;
  readonly silent: () => void;
}

export function createDaemonLink(settings: LinkSettings): DaemonLink {
  const { version } = settings;
  let address = settings.own;
  let state: State | undefined;
  let watching: AbortController | undefined;
  const listeners = new Set<() => void>();
  const control = controlLink(() => connectControl(address, { version }, lookTimeoutMs));
  const handlers = contractHandlers(control, version);

  const tell = (next: State | undefined): void => {
    if (next === state) return;
    state = next;
    for (const listener of listeners) listener();
  };

  /** Follows the state until `signal` aborts, over every loss of the connection. */
  const follow = async (signal: AbortSignal): Promise<void> => {
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      let heard = false;
      try {
        const { daemon } = await control.client();
        for await (const part of handlers.watchState({ minIntervalMs: 500 }, signal)) {
          if (isOver()) return;
          if (!heard) settings.answered(daemon.pid);
          tell(heard ? merged(state, part) : part);
          heard = true;
        }
      } catch {
        // Told below; the reason is that of the process, which the supervisor knows.
      }
      if (isOver()) return;
      control.drop();
      tell(undefined);
      if (heard) settings.silent();
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  };

  const watch = (): void => {
    watching?.abort();
    watching = new AbortController();
    control.drop();
    void follow(watching.signal);
  };

  return {
    handlers,
    control,
    get state() {
      return state;
    },
    async look() {
      for (const candidate of settings.candidates()) {
        const result = await lookAt(candidate, version);
        if (result.found === 'nothing') continue;
        address = candidate;
        control.drop();
        return result;
      }
      address = settings.own;
      control.drop();
      return { found: 'nothing' };
    },
    watch,
    onState(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      watching?.abort();
      control.drop();
    },
  };
}

async function lookAt(address: ControlAddress, version: string): Promise<Look> {
  try {
    const client = await connectControl(address, { version }, lookTimeoutMs);
    client.close();
    return { found: 'daemon', pid: client.daemon.pid };
  } catch (error) {
    const refused = error instanceof SyncerError && error.code !== 'control.not-running';
    // Also one that hangs or speaks another version: a second daemon beside it would be wrong.
    return { found: refused ? 'refusal' : 'nothing' };
  }
}

/** Sections that came replace those of before (control.proto, WatchState). */
function merged(before: State | undefined, part: State): State {
  const present = Object.entries(part).filter(([, section]) => section !== undefined);
  return { ...before, ...Object.fromEntries(present) } as State;
}
