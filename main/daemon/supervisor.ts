// Carries out what the state machine decides: looks, launches, watches, asks to end, kills.

import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import type { LaunchedDaemon, Launcher } from './launcher.ts';
import {
  initialState,
  step,
  type Effect,
  type MachineEvent,
  type MachineState,
} from './machine.ts';
import { createOutputLines } from './output-lines.ts';

/** What a look for a running daemon gives. */
export type Look =
  | { readonly found: 'daemon'; readonly pid: number }
  | { readonly found: 'nothing' }
  /** One runs that does not let us in (another user's). */
  | { readonly found: 'refusal' };

export interface SupervisorPorts {
  readonly launcher: Launcher;
  readonly nowMs: () => number;
  /** Milliseconds that only grow, and not while the machine sleeps where the system allows that. */
  readonly awakeMs: () => number;
  readonly after: (delayMs: number, run: () => void) => { cancel(): void };
  look(): Promise<Look>;
  /** (Re)opens the connection that tells `answered` and `silent`. */
  watch(): void;
  /** Asks the daemon over its control API to end. */
  askToEnd(): Promise<void>;
  /** Ends a process that is not our child. */
  endForeign(pid: number): void;
}

export interface Supervisor {
  readonly process: DaemonProcess;
  readonly reason: MachineState['reason'];
  start(): void;
  stop(): void;
  restart(): void;
  /** Attaches to a daemon that runs or comes, but starts none. */
  lookOut(): void;
  /** From the connection to the daemon. */
  answered(pid: number): void;
  silent(): void;
  suspended(): void;
  resumed(): void;
  onChange(listener: () => void): () => void;
  /** Stops, and resolves when no process of ours is left. */
  end(): Promise<void>;
}

export function createSupervisor(ports: SupervisorPorts): Supervisor {
  let state = initialState(ports.nowMs());
  let output = createOutputLines();
  let child: LaunchedDaemon | undefined;
  let timer: { cancel(): void } | undefined;
  const listeners = new Set<() => void>();

  const dispatch = (event: MachineEvent): void => {
    const before = state;
    const next = step(state, event, { nowMs: ports.nowMs(), awakeMs: ports.awakeMs() });
    state = next.state;
    if (state.phase !== before.phase) timer?.cancel();
    for (const effect of next.effects) run(effect);
    if (state !== before) for (const listener of listeners) listener();
  };

  const run = (effect: Effect): void => {
    switch (effect.do) {
      case 'probe':
        void look();
        return;
      case 'launch':
        void launch();
        return;
      case 'watch':
        ports.watch();
        return;
      case 'ask-to-end':
        // One that does not answer is killed when its time is over.
        ports.askToEnd().catch(() => undefined);
        return;
      case 'kill':
        if (child !== undefined) child.kill();
        else if (state.pid !== undefined) ports.endForeign(state.pid);
        return;
      case 'wait':
        timer?.cancel();
        timer = ports.after(effect.ms, () => dispatch({ type: 'timeout' }));
        return;
    }
  };

  const look = async (): Promise<void> => {
    const result = await ports.look();
    switch (result.found) {
      case 'daemon':
        dispatch({ type: 'found', pid: result.pid });
        return;
      case 'nothing':
        dispatch({ type: 'absent' });
        return;
      case 'refusal':
        dispatch({ type: 'refused' });
        return;
    }
  };

  const launch = async (): Promise<void> => {
    output = createOutputLines();
    const lines = output;
    try {
      const launched = await ports.launcher.launch({
        onOutput: (text) => lines.take(text),
        onExit(code) {
          child = undefined;
          dispatch({ type: 'exited', code });
        },
      });
      child = launched;
      dispatch({ type: 'launched', pid: launched.pid });
      // Somebody changed his mind while it was being launched.
      if (state.phase === 'stopping') void ports.askToEnd().catch(() => child?.kill());
    } catch (error) {
      lines.take(`${error instanceof Error ? error.message : String(error)}\n`);
      dispatch(
        state.phase === 'stopping' ? { type: 'exited', code: null } : { type: 'not-launched' },
      );
    }
  };

  return {
    get process() {
      return view(state, output.lines);
    },
    get reason() {
      return state.reason;
    },
    start: () => dispatch({ type: 'start' }),
    stop: () => dispatch({ type: 'stop' }),
    restart: () => dispatch({ type: 'restart' }),
    lookOut: () => dispatch({ type: 'look-out' }),
    answered: (pid) => dispatch({ type: 'answered', pid }),
    silent() {
      // Of a process that is not our child, silence is all that we hear of its end.
      if (state.phase === 'stopping' && child === undefined) dispatch({ type: 'exited', code: 0 });
      else dispatch({ type: 'silent' });
    },
    suspended: () => dispatch({ type: 'suspended' }),
    resumed: () => dispatch({ type: 'resumed' }),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    end() {
      return new Promise((resolve) => {
        const look = (): void => {
          if (state.phase !== 'stopped' && state.phase !== 'failed') return;
          listeners.delete(look);
          timer?.cancel();
          resolve();
        };
        listeners.add(look);
        dispatch({ type: 'stop' });
        look();
      });
    },
  };
}

/** The state as the contract shows it. */
function view(state: MachineState, lastLines: readonly string[]): DaemonProcess {
  const { pid, sinceMs, restarts, reason } = state;
  const told = { pid, sinceMs, restarts, reason: reason === 'none' ? '' : reason };
  return { ...told, state: word(state), lastLines: state.phase === 'failed' ? lastLines : [] };
}

function word({ phase, answering }: MachineState): DaemonProcess['state'] {
  switch (phase) {
    case 'probing':
    case 'starting':
    case 'backing-off':
      return 'starting';
    case 'running':
      return answering ? 'running' : 'degraded';
    case 'stopped':
    case 'attached':
    case 'stopping':
    case 'failed':
      return phase;
  }
}
