// The election against a model of etcd: leases that end by its clock, calls whose answers are late or
// lost, watches that lag or hang, replicas that pause and hand over; at most one may write at any
// moment, epochs only grow, and whatever has happened, there is one leader soon after.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  following,
  isOver,
  mayWrite,
  step,
  type ElectionEffect,
  type ElectionEvent,
  type ElectionState,
  type LeaderEntry,
  type Term,
} from './election.ts';

const ttlMs = 6_000;
const nodes = ['one', 'two', 'three'];

class Model {
  nowMs = 0;
  revision = 1;
  epoch = 0;
  leader: LeaderEntry | undefined;
  leaseEndsMs = 0;
  /** The newest term as etcd keeps it, and the last that was given back (`leadership.ts`). */
  last: Term | undefined;
  over = '';
  leads = 0;
  /** What etcd's watch tells, and how far each replica has heard it. */
  readonly history: { readonly revision: number; readonly leader: LeaderEntry | undefined }[] = [];
  readonly heard = nodes.map(() => 0);
  /** Outcomes of campaigns that are on their way. */
  readonly answers: (ElectionEvent | undefined)[] = nodes.map(() => undefined);
  readonly states: ElectionState[] = nodes.map(following);

  #set(leader: LeaderEntry | undefined): void {
    this.leader = leader;
    this.history.push({ revision: this.revision, leader });
  }

  expire(): void {
    if (this.leader === undefined || this.nowMs < this.leaseEndsMs) return;
    this.revision += 1;
    this.#set(undefined);
  }

  /** A fresh read of the key. */
  see(index: number): void {
    this.feed(index, { type: 'seen', leader: this.leader, revision: this.revision });
  }

  /** The next event of the watch, which may be old news. */
  hear(index: number): void {
    const event = this.history[this.heard[index]!];
    if (event === undefined) return;
    this.heard[index]! += 1;
    this.feed(index, { type: 'seen', ...event });
  }

  answer(index: number): void {
    const event = this.answers[index];
    this.answers[index] = undefined;
    if (event?.type === 'won') this.feed(index, { ...event, heardMs: this.nowMs });
    else if (event !== undefined) this.feed(index, event);
  }

  yield(index: number): void {
    const { phase, cleared, leader } = this.states[index]!;
    if (phase === 'leading' && cleared && leader!.lease === this.leader?.lease) {
      this.over = leader!.lease;
    }
    this.feed(index, { type: 'yield' });
  }

  keep(index: number, answered: boolean): void {
    const state = this.states[index]!;
    if (state.phase !== 'leading') return;
    const lease = state.leader!.lease;
    const held = this.leader?.lease === lease;
    if (held) this.leaseEndsMs = this.nowMs + ttlMs;
    if (!answered) this.feed(index, { type: 'keep-failed' });
    else if (!held) this.feed(index, { type: 'lease-gone', lease });
    else this.feed(index, { type: 'kept', lease, sentMs: this.nowMs, ttlMs });
  }

  feed(index: number, event: ElectionEvent): void {
    const { state, effects } = step(this.states[index]!, event);
    this.states[index] = state;
    for (const effect of effects) this.perform(index, effect);
  }

  perform(index: number, effect: ElectionEffect): void {
    switch (effect.type) {
      case 'campaign': {
        if (this.leader !== undefined) {
          this.answers[index] = { type: 'not-won' };
          return;
        }
        this.revision += 1;
        this.epoch += 1;
        const lease = `lease-${this.revision}`;
        const createdRevision = this.revision;
        const node = nodes[index]!;
        const leader = { node, epoch: this.epoch, lease, createdRevision };
        this.#set(leader);
        this.leaseEndsMs = this.nowMs + ttlMs;
        const clear = isOver(this.last, this.over, node);
        this.last = { node, epoch: this.epoch, lease, clear };
        const { nowMs } = this;
        this.answers[index] = {
          type: 'won',
          leader,
          sentMs: nowMs,
          heardMs: nowMs,
          ttlMs,
          isOver: clear,
        };
        return;
      }
      case 'revoke':
        if (this.leader?.lease !== effect.lease) return;
        this.revision += 1;
        this.#set(undefined);
        return;
      case 'clear':
        if (this.leader?.lease !== effect.leader.lease || this.last === undefined) return;
        this.last = { ...this.last, clear: true };
        this.feed(index, { type: 'cleared', lease: effect.leader.lease });
        return;
      case 'lead':
        this.leads += 1;
        return;
      case 'follow':
      case 'probe':
        return;
    }
  }

  writers(): number[] {
    return nodes
      .map((_, index) => index)
      .filter((index) => mayWrite(this.states[index]!, this.nowMs));
  }
}

const action = fc.record({
  who: fc.nat(2),
  what: fc.constantFrom(
    ...([
      'able',
      'able',
      'see',
      'hear',
      'hear',
      'answer',
      'answer',
      'answer-lost',
      'yield',
      'keep',
      'keep',
      'keep-lost',
      'doubt',
      'wait',
      'wait',
      'long',
    ] as const),
  ),
  ms: fc.integer({ min: 1, max: 900 }),
});

describe('the election', () => {
  it('ends a lease that was won after this replica had resigned', () => {
    const campaigning = step(following('two'), { type: 'able', able: true }).state;
    const resigned = step(campaigning, { type: 'resign' }).state;
    const leader = { node: 'two', epoch: 1, lease: 'l', createdRevision: 2 };
    const won = step(resigned, {
      ...{ type: 'won', leader, sentMs: 0, heardMs: 0, ttlMs, isOver: true },
    });
    expect(won.effects).toEqual([{ type: 'revoke', lease: 'l' }]);
    expect(won.state.phase).toBe('resigned');
  });

  it('lets one replica write at most, and epochs only grow', () => {
    let leads = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 30, maxLength: 150 }), (actions) => {
        const model = new Model();
        let newest = 0;
        for (const { who, what, ms } of actions) {
          model.expire();
          const state = model.states[who]!;
          switch (what) {
            case 'able':
              model.feed(who, { type: 'able', able: true });
              break;
            case 'see':
              model.see(who);
              break;
            case 'hear':
              model.hear(who);
              break;
            case 'answer':
              model.answer(who);
              break;
            case 'answer-lost':
              if (model.answers[who] === undefined) break;
              model.answers[who] = undefined;
              model.feed(who, { type: 'not-won' });
              break;
            case 'yield':
              model.yield(who);
              break;
            case 'keep':
              model.keep(who, true);
              break;
            case 'keep-lost':
              // etcd has renewed the lease, and the answer is lost.
              model.keep(who, false);
              break;
            case 'doubt':
              if (state.leader === undefined) break;
              model.feed(who, { type: 'doubt', node: state.leader.node });
              model.feed(who, { type: 'doubt-confirmed', lease: state.leader.lease });
              break;
            case 'wait':
            case 'long':
              model.nowMs += what === 'long' ? ms * 10 : ms;
              break;
          }
          expect(model.writers().length).toBeLessThanOrEqual(1);
          expect(model.epoch).toBeGreaterThanOrEqual(newest);
          newest = model.epoch;
        }
        // The watches tell nothing more; reading and asking again is enough for one leader.
        for (let round = 0; round < 20; round += 1) {
          model.nowMs += 500;
          model.expire();
          for (const who of nodes.keys()) {
            model.answer(who);
            model.keep(who, true);
            model.see(who);
            model.feed(who, { type: 'able', able: true });
          }
        }
        const leading = model.states.filter(({ phase }) => phase === 'leading');
        expect(leading.map(({ leader }) => leader)).toEqual([model.leader]);
        leads += model.leads;
      }),
      { numRuns: 2000 },
    );
    expect(leads).toBeGreaterThan(2000);
  });

  it('asks about a doubted leader once, and ends its lease on the second sign alone', () => {
    const leader = { node: 'one', epoch: 1, lease: 'l', createdRevision: 2 };
    const seen = step(following('two'), { type: 'seen', leader, revision: 2 }).state;
    const doubted = step(seen, { type: 'doubt', node: 'one' });
    expect(doubted.effects).toEqual([{ type: 'probe', leader }]);
    expect(step(doubted.state, { type: 'doubt', node: 'one' }).effects).toEqual([]);
    const confirmed = step(doubted.state, { type: 'doubt-confirmed', lease: 'l' });
    expect(confirmed.effects).toEqual([{ type: 'revoke', lease: 'l' }]);
    expect(step(doubted.state, { type: 'doubt-confirmed', lease: 'other' }).effects).toEqual([]);
  });
});
