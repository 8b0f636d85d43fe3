// The supervisor's decisions, without a process, a clock or a socket: from a state and an event to
// the next state and what is to be done. Before every start it looks whether a daemon runs already,
// so that there is never a second one on a data directory.

import { exitCodes, type ExitCodeName } from '../../proto/errors.ts';

export type Phase =
  /** None runs, and none is wanted. */
  | 'stopped'
  /** Looks whether one runs already. */
  | 'probing'
  /** Was launched and has not answered yet. */
  | 'starting'
  | 'running'
  /** Runs, was started by somebody else. */
  | 'attached'
  /** Waits before the next attempt. */
  | 'backing-off'
  | 'stopping'
  /** Gave up. */
  | 'failed';

/** Why the daemon is where it is; a text for each is in the catalogues (`desktop.reason.*`). */
export type Reason =
  | 'none'
  /** It ended by itself, because somebody asked it to. */
  | 'ended'
  | 'crashed'
  | 'crash-loop'
  | 'not-ready'
  | 'not-launched'
  | 'silent'
  | 'refused'
  | 'attached-ended'
  /** The person has not said yet what it should do (first run). */
  | 'not-set-up'
  | `exit-${'usage' | 'system' | 'io' | 'permission' | 'config'}`;

export interface MachineState {
  readonly phase: Phase;
  readonly pid: number | undefined;
  /** Since when this phase, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Starts after a crash since the person last asked for one. */
  readonly restarts: number;
  readonly reason: Reason;
  /** Running, and the last request was answered. */
  readonly answering: boolean;
  /** Monotonic times of the crashes that still count. */
  readonly crashesMs: readonly number[];
  /** The person asked for a restart: launch when it has ended. */
  readonly again: boolean;
  readonly asleep: boolean;
}

export type MachineEvent =
  | { readonly type: 'start' | 'stop' | 'restart' }
  /** Attach to a daemon that runs or comes, but start none. */
  | { readonly type: 'look-out' }
  /** Answers of a look. */
  | { readonly type: 'found'; readonly pid: number }
  | { readonly type: 'absent' | 'refused' }
  | { readonly type: 'launched'; readonly pid: number }
  | { readonly type: 'not-launched' }
  /** The control API answered, or stopped answering. */
  | { readonly type: 'answered'; readonly pid: number }
  | { readonly type: 'silent' }
  | { readonly type: 'exited'; readonly code: number | null }
  /** The time of this phase is over. */
  | { readonly type: 'timeout' }
  | { readonly type: 'suspended' | 'resumed' };

export type Effect =
  | { readonly do: 'probe' | 'launch' | 'watch' | 'ask-to-end' | 'kill' }
  | { readonly do: 'wait'; readonly ms: number };

export interface Step {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}

export interface Times {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Milliseconds that only grow, and not while the machine sleeps. */
  readonly awakeMs: number;
}

/** This many crashes … */
const crashLimit = 4;
/** … within this time, and it gives up. Longer: a daemon that crashes now and then is given up, too. */
const crashWindowMs = 60_000;
/** How long a daemon may take until it answers. A large store is checked at start. */
const readyWithinMs = 60_000;
/** How long it may take to end after it was asked: writes are drained and peers told. */
const stopWithinMs = 15_000;
/** First wait after a crash; doubled by each one more within the window. */
const firstBackOffMs = 1_000;
/** How often we look for a daemon of somebody else that has gone. */
const lookAgainMs = 3_000;

export function initialState(nowMs: number): MachineState {
  return {
    phase: 'stopped',
    pid: undefined,
    sinceMs: nowMs,
    restarts: 0,
    reason: 'none',
    answering: false,
    crashesMs: [],
    again: false,
    asleep: false,
  };
}

/** Gives what follows from an event. What has no meaning in a phase changes nothing. */
export function step(state: MachineState, event: MachineEvent, times: Times): Step {
  switch (event.type) {
    case 'start':
      return start(state, times);
    case 'stop':
      return stop(state, false, times);
    case 'look-out':
      return state.phase === 'stopped'
        ? to(state, 'stopped', times, { reason: 'not-set-up' }, { do: 'probe' })
        : stay(state);
    case 'restart':
      return canStop(state) ? stop(state, true, times) : start(state, times);
    case 'found':
      return state.phase === 'probing' || looksOut(state)
        ? to(state, 'attached', times, { pid: event.pid, answering: true }, { do: 'watch' })
        : stay(state);
    case 'absent':
      if (state.phase === 'probing') {
        return to(
          state,
          'starting',
          times,
          {},
          { do: 'launch' },
          { do: 'wait', ms: readyWithinMs },
        );
      }
      return looksOut(state) ? { state, effects: [{ do: 'wait', ms: lookAgainMs }] } : stay(state);
    case 'refused':
      if (looksOut(state)) return { state, effects: [{ do: 'wait', ms: lookAgainMs }] };
      return state.phase === 'probing' ? fail(state, 'refused', times) : stay(state);
    case 'launched':
      return state.phase === 'starting'
        ? { state: { ...state, pid: event.pid }, effects: [{ do: 'watch' }] }
        : stay(state);
    case 'not-launched':
      return state.phase === 'starting' ? fail(state, 'not-launched', times) : stay(state);
    case 'answered':
      return answered(state, event.pid, times);
    case 'silent':
      return silent(state, times);
    case 'exited':
      return exited(state, event.code, times);
    case 'timeout':
      return timeout(state, times);
    case 'suspended':
      return stay({ ...state, asleep: true });
    case 'resumed':
      return resumed({ ...state, asleep: false });
  }
}

function start(state: MachineState, times: Times): Step {
  switch (state.phase) {
    case 'stopped':
    case 'failed':
    case 'backing-off':
      return to(state, 'probing', times, { restarts: 0, crashesMs: [] }, { do: 'probe' });
    case 'stopping':
      return stay({ ...state, again: true });
    case 'probing':
    case 'starting':
    case 'running':
    case 'attached':
      return stay(state);
  }
}

function canStop({ phase }: MachineState): boolean {
  return phase === 'starting' || phase === 'running' || phase === 'attached';
}

function stop(state: MachineState, again: boolean, times: Times): Step {
  if (state.phase === 'stopping') return stay({ ...state, again });
  if (!canStop(state)) return to(state, 'stopped', times, {});
  const changed = { pid: state.pid, again, answering: false };
  const wait: Effect = { do: 'wait', ms: stopWithinMs };
  return to(state, 'stopping', times, changed, { do: 'ask-to-end' }, wait);
}

function answered(state: MachineState, pid: number, times: Times): Step {
  if (state.phase === 'starting') return to(state, 'running', times, { pid, answering: true });
  if (state.phase === 'running' || state.phase === 'attached') {
    return stay({ ...state, pid, answering: true, reason: 'none' });
  }
  return stay(state);
}

/** The daemon's own end is told by `exited`; of somebody else's we only hear nothing more. */
function silent(state: MachineState, times: Times): Step {
  // Nothing can be concluded of a silence that the machine slept through.
  if (state.asleep) return stay(state);
  if (state.phase === 'running') return stay({ ...state, answering: false, reason: 'silent' });
  if (state.phase === 'attached') {
    return to(state, 'stopped', times, { reason: 'attached-ended' }, { do: 'probe' });
  }
  return stay(state);
}

/** None of ours is wanted, but one may come: as a service comes back that we were attached to. */
function looksOut({ phase, reason }: MachineState): boolean {
  return phase === 'stopped' && (reason === 'attached-ended' || reason === 'not-set-up');
}

function exited(state: MachineState, code: number | null, times: Times): Step {
  if (state.phase === 'stopping') {
    return state.again
      ? start({ ...state, phase: 'stopped' }, times)
      : to(state, 'stopped', times, {});
  }
  if (state.phase !== 'starting' && state.phase !== 'running') return stay(state);
  if (code === exitCodes.ok) return to(state, 'stopped', times, { reason: 'ended' });
  const final = finalExit(code);
  return final === undefined ? crashed(state, times) : fail(state, final, times);
}

/** Exits after which another start would end the same way (proto/errors.ts). */
const finalExits = [
  'usage',
  'system',
  'io',
  'permission',
  'config',
] as const satisfies readonly ExitCodeName[];

function finalExit(code: number | null): Reason | undefined {
  const name = finalExits.find((candidate) => exitCodes[candidate] === code);
  return name === undefined ? undefined : `exit-${name}`;
}

function crashed(state: MachineState, times: Times): Step {
  const crashesMs = [
    ...state.crashesMs.filter((atMs) => times.awakeMs - atMs < crashWindowMs),
    times.awakeMs,
  ];
  if (crashesMs.length >= crashLimit) return fail({ ...state, crashesMs }, 'crash-loop', times);
  const changed = { crashesMs, reason: 'crashed', restarts: state.restarts + 1 } as const;
  const ms = firstBackOffMs * 2 ** (crashesMs.length - 1);
  return to(state, 'backing-off', times, changed, { do: 'wait', ms });
}

function timeout(state: MachineState, times: Times): Step {
  // A deadline that passed in sleep says nothing; `resumed` sets it anew.
  if (state.asleep) return stay(state);
  switch (state.phase) {
    case 'starting':
      return { state: { ...state, reason: 'not-ready' }, effects: [{ do: 'kill' }] };
    case 'backing-off':
      return to(state, 'probing', times, { reason: state.reason }, { do: 'probe' });
    case 'stopping':
      return { state, effects: [{ do: 'kill' }] };
    case 'stopped':
      return looksOut(state) ? { state, effects: [{ do: 'probe' }] } : stay(state);
    case 'probing':
    case 'running':
    case 'attached':
    case 'failed':
      return stay(state);
  }
}

function resumed(state: MachineState): Step {
  switch (state.phase) {
    case 'starting':
      return { state, effects: [{ do: 'watch' }, { do: 'wait', ms: readyWithinMs }] };
    case 'running':
    case 'attached':
      return { state, effects: [{ do: 'watch' }] };
    case 'backing-off':
      return { state, effects: [{ do: 'wait', ms: firstBackOffMs }] };
    case 'stopping':
      return { state, effects: [{ do: 'wait', ms: stopWithinMs }] };
    case 'stopped':
      return looksOut(state) ? { state, effects: [{ do: 'probe' }] } : stay(state);
    case 'probing':
    case 'failed':
      return stay(state);
  }
}

function fail(state: MachineState, reason: Reason, times: Times): Step {
  return to(state, 'failed', times, { reason });
}

function to(
  state: MachineState,
  phase: Phase,
  { nowMs }: Times,
  changed: Partial<MachineState>,
  ...effects: readonly Effect[]
): Step {
  const cleared = { pid: undefined, reason: 'none', answering: false, again: false } as const;
  return { state: { ...state, ...cleared, ...changed, phase, sinceMs: nowMs }, effects };
}

function stay(state: MachineState): Step {
  return { state, effects: [] };
}
