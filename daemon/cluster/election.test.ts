// The election against a model of etcd: leases that end by its clock, calls whose answers are late or
// lost, replicas that pause; at most one may write at any moment, and epochs only grow.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  following,
  mayWrite,
  step,
  writeValidityMs,
  type ElectionEffect,
  type ElectionEvent,
  type ElectionState,
  type LeaderEntry,
} from './election.ts';

const ttlMs = 6_000;
const nodes = ['one', 'two', 'three'];

class Model {
  nowMs = 0;
  revision = 1;
  epoch = 0;
  leader: LeaderEntry | undefined;
  leaseEndsMs = 0;
  /** Nobody who was the leader may write after this. */
  quietFromMs = 0;
  leads = 0;
  readonly states: ElectionState[] = nodes.map(following);
  readonly writesFromMs = nodes.map(() => 0);

  expire(): void {
    if (this.leader !== undefined && this.nowMs >= this.leaseEndsMs) this.leader = undefined;
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
          this.feed(index, { type: 'not-won' });
          return;
        }
        this.revision += 1;
        this.epoch += 1;
        const lease = `lease-${this.revision}`;
        const createdRevision = this.revision;
        this.leader = { node: nodes[index]!, epoch: this.epoch, lease, createdRevision };
        this.leaseEndsMs = this.nowMs + ttlMs;
        // What `leadership.ts` must keep to: no write before an ended leader's validity has run out.
        this.writesFromMs[index] = Math.max(this.nowMs, this.quietFromMs);
        const won = { leader: this.leader, sentMs: this.nowMs, ttlMs };
        this.feed(index, { type: 'won', ...won });
        return;
      }
      case 'revoke':
        if (this.leader?.lease !== effect.lease) return;
        this.leader = undefined;
        this.quietFromMs = this.nowMs + writeValidityMs;
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
      .filter((index) => this.nowMs >= this.writesFromMs[index]!)
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
              model.feed(who, { type: 'seen', leader: model.leader });
              break;
            case 'keep': {
              if (state.phase !== 'leading') break;
              const lease = state.leader!.lease;
              if (model.leader?.lease !== lease) model.feed(who, { type: 'lease-gone', lease });
              else {
                model.leaseEndsMs = model.nowMs + ttlMs;
                model.feed(who, { type: 'kept', lease, sentMs: model.nowMs, ttlMs });
              }
              break;
            }
            case 'keep-lost':
              // etcd has renewed the lease, and the answer is lost.
              if (state.phase !== 'leading') break;
              if (model.leader?.lease === state.leader!.lease)
                model.leaseEndsMs = model.nowMs + ttlMs;
              model.feed(who, { type: 'keep-failed', nowMs: model.nowMs });
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
        leads += model.leads;
      }),
      { numRuns: 2000 },
    );
    expect(leads).toBeGreaterThan(2000);
  });

  it('asks about a doubted leader once, and ends its lease on the second sign alone', () => {
    const leader = { node: 'one', epoch: 1, lease: 'l', createdRevision: 2 };
    const seen = step(following('two'), { type: 'seen', leader }).state;
    const doubted = step(seen, { type: 'doubt', node: 'one' });
    expect(doubted.effects).toEqual([{ type: 'probe', leader }]);
    expect(step(doubted.state, { type: 'doubt', node: 'one' }).effects).toEqual([]);
    const confirmed = step(doubted.state, { type: 'doubt-confirmed', lease: 'l' });
    expect(confirmed.effects).toEqual([{ type: 'revoke', lease: 'l' }]);
    expect(step(doubted.state, { type: 'doubt-confirmed', lease: 'other' }).effects).toEqual([]);
  });
});
