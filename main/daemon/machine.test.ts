import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../proto/errors.ts';
import { initialState, step, type MachineEvent, type MachineState } from './machine.ts';

/** Plays events; time passes by `everyMs` before each. */
function play(events: readonly MachineEvent[], everyMs = 1_000, from = initialState(0)) {
  let state: MachineState = from;
  let nowMs = 0;
  const effects: string[] = [];
  for (const event of events) {
    nowMs += everyMs;
    const next = step(state, event, { nowMs, awakeMs: nowMs });
    state = next.state;
    effects.push(...next.effects.map((effect) => effect.do));
  }
  return { state, effects };
}

const running: readonly MachineEvent[] = [
  { type: 'start' },
  { type: 'absent' },
  { type: 'launched', pid: 7 },
  { type: 'answered', pid: 7 },
];
const crash: MachineEvent = { type: 'exited', code: 1 };
const again: readonly MachineEvent[] = [
  { type: 'timeout' },
  { type: 'absent' },
  { type: 'launched', pid: 8 },
  { type: 'answered', pid: 8 },
];

describe('the supervisor', () => {
  it('looks for a daemon before it starts one', () => {
    const { state, effects } = play(running);
    expect(effects).toEqual(['probe', 'launch', 'wait', 'watch']);
    expect(state).toMatchObject({ phase: 'running', pid: 7, answering: true });
  });

  it('attaches to one that runs, and starts none', () => {
    const { state, effects } = play([{ type: 'start' }, { type: 'found', pid: 9 }]);
    expect(effects).toEqual(['probe', 'watch']);
    expect(state).toMatchObject({ phase: 'attached', pid: 9 });
  });

  it.each(['start', 'restart'] as const)(
    'counts crashes anew after a %s while it stops',
    (wish) => {
      const asked: readonly MachineEvent[] = [
        { type: 'stop' },
        { type: wish },
        { type: 'exited', code: 0 },
      ];
      const { state } = play([...running, crash, ...again, ...asked, ...running.slice(1)], 100);
      expect(state).toMatchObject({ phase: 'running', restarts: 0, crashesMs: [] });
    },
  );

  it('refuses one of another user with the reason', () => {
    const { state, effects } = play([{ type: 'start' }, { type: 'refused' }]);
    expect(state).toMatchObject({ phase: 'failed', reason: 'refused' });
    expect(effects).not.toContain('launch');
  });

  it('is running only when it has answered', () => {
    expect(play(running.slice(0, 3)).state.phase).toBe('starting');
  });

  it('waits longer after each crash, and gives up after the fourth in a minute', () => {
    const events = [...running, crash, ...again, crash, ...again, crash, ...again];
    const before = play(events, 100);
    expect(before.state).toMatchObject({ phase: 'running', restarts: 3 });
    const after = play([...events, crash], 100);
    expect(after.state).toMatchObject({ phase: 'failed', reason: 'crash-loop' });
  });

  it('goes on where the crashes are further apart', () => {
    const round = [...again, crash];
    const { state } = play([...running, crash, ...round, ...round, ...round, ...round], 6_000);
    expect(state.phase).toBe('backing-off');
  });

  it('starts anew after it gave up, when asked', () => {
    const failed = play([...running, crash, ...again, crash, ...again, crash, ...again, crash], 10);
    const { state } = play([{ type: 'start' }], 10, failed.state);
    expect(state).toMatchObject({ phase: 'probing', restarts: 0, crashesMs: [] });
  });

  it.each(['usage', 'system', 'io', 'permission', 'config'] as const)(
    'does not start again after the exit code of %s',
    (name) => {
      const { state } = play([...running, { type: 'exited', code: exitCodes[name] }]);
      expect(state).toMatchObject({ phase: 'failed', reason: `exit-${name}` });
    },
  );

  it('takes an exit code of 0 as wanted', () => {
    const { state } = play([...running, { type: 'exited', code: 0 }]);
    expect(state).toMatchObject({ phase: 'stopped', reason: 'ended' });
  });

  it('asks before it kills', () => {
    const { state, effects } = play([...running, { type: 'stop' }, { type: 'timeout' }]);
    expect(effects.slice(4)).toEqual(['ask-to-end', 'wait', 'kill']);
    expect(play([{ type: 'exited', code: null }], 1, state).state).toMatchObject({
      phase: 'stopped',
      reason: 'none',
    });
  });

  it('restarts by an end and a start', () => {
    const { state, effects } = play([
      ...running,
      { type: 'restart' },
      { type: 'exited', code: 0 },
      { type: 'absent' },
    ]);
    expect(effects.slice(4)).toEqual(['ask-to-end', 'wait', 'probe', 'launch', 'wait']);
    expect(state.phase).toBe('starting');
  });

  it('looks for an attached daemon that went away, as a service that restarts does', () => {
    const lost = play([
      { type: 'start' },
      { type: 'found', pid: 9 },
      { type: 'silent' },
      { type: 'absent' },
      { type: 'timeout' },
    ]);
    expect(lost.effects).toEqual(['probe', 'watch', 'probe', 'wait', 'probe']);
    const back = play([{ type: 'found', pid: 10 }], 1, lost.state);
    expect(back.state).toMatchObject({ phase: 'attached', pid: 10 });
  });

  it('concludes nothing from what was slept through', () => {
    const { state, effects } = play([
      ...running,
      { type: 'suspended' },
      { type: 'silent' },
      { type: 'timeout' },
      { type: 'resumed' },
    ]);
    expect(state).toMatchObject({ phase: 'running', answering: true });
    expect(effects.slice(4)).toEqual(['watch']);
  });
});

const anyEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
  fc.constantFrom<MachineEvent>(
    { type: 'start' },
    { type: 'stop' },
    { type: 'restart' },
    { type: 'absent' },
    { type: 'refused' },
    { type: 'not-launched' },
    { type: 'silent' },
    { type: 'timeout' },
    { type: 'suspended' },
    { type: 'resumed' },
  ),
  fc.record({ type: fc.constant('found' as const), pid: fc.nat() }),
  fc.record({ type: fc.constant('launched' as const), pid: fc.nat() }),
  fc.record({ type: fc.constant('answered' as const), pid: fc.nat() }),
  fc.record({
    type: fc.constant('exited' as const),
    code: fc.option(fc.constantFrom(0, 1, 70, 71, 75, 78)),
  }),
);

describe('by whatever events', () => {
  it('launches only what it looked for before, and only one at a time', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        let state = initialState(0);
        let alive = false;
        events.forEach((event, index) => {
          // The world: only a launched process exits, only a launch that was ordered launches.
          if (event.type === 'exited' && !alive) return;
          if (event.type === 'launched' && state.phase !== 'starting') return;
          if (event.type === 'not-launched' && (!alive || state.pid !== undefined)) return;
          const before = state;
          const next = step(state, event, { nowMs: index, awakeMs: index });
          state = next.state;
          if (event.type === 'exited' || event.type === 'not-launched') alive = false;
          if (next.effects.some((effect) => effect.do === 'launch')) {
            expect(before.phase).toBe('probing');
            expect(alive).toBe(false);
            alive = true;
          }
          // A process of ours is never forgotten while it lives.
          if (alive) expect(['starting', 'running', 'stopping']).toContain(state.phase);
        });
      }),
      { numRuns: 500 },
    );
  });
});
