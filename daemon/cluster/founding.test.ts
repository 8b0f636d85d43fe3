import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterAccept,
  afterPrepare,
  answerFounding,
  unfounded,
  type Ballot,
  type FoundingPlan,
  type FromReplica,
  type FoundingRequest,
  type FoundingState,
} from './founding.ts';

const nodes = ['one', 'two', 'three'] as const;
const planOf = (names: readonly string[]): FoundingPlan =>
  [...names].sort().map((name) => ({ name, peerUrl: `http://${name}:1` }));

const often = Array.from({ length: 12 }, () => 'deliver' as const);

/** A proposer between its steps; messages to acceptors are delivered or lost one by one. */
interface Proposer {
  readonly ballot: Ballot;
  phase: 'prepare' | 'accept' | 'over';
  plan: FoundingPlan;
  replies: FromReplica[];
  decided?: FoundingPlan;
}

describe('founding', () => {
  it('decides one plan at most, whatever is lost, doubled or begun at once', () => {
    let decisions = 0;
    const step = fc.record({
      proposer: fc.nat(2),
      acceptor: fc.nat(2),
      what: fc.constantFrom(...often, 'lose-reply', 'advance', 'advance', 'begin'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const states: FoundingState[] = nodes.map(() => unfounded);
        const proposers: (Proposer | undefined)[] = nodes.map(() => undefined);
        const chosen = new Set<string>();
        let round = 0;
        for (const { proposer: p, acceptor: a, what } of steps) {
          const node = nodes[p]!;
          const current = proposers[p];
          if (what === 'begin' || current === undefined) {
            round += 1;
            const own = planOf(round % 3 === 0 ? nodes : [node, nodes[(p + 1) % 3]!]);
            const ballot = { round, node };
            proposers[p] = { ballot, phase: 'prepare', plan: own, replies: [] };
            continue;
          }
          if (current.phase === 'over') continue;
          if (what === 'advance') {
            const next =
              current.phase === 'prepare'
                ? afterPrepare(
                    current.plan,
                    current.replies.map(({ reply }) => reply),
                  )
                : afterAccept(current.plan, current.replies);
            current.replies = [];
            if (next.type === 'accept') {
              current.phase = 'accept';
              current.plan = next.plan;
            } else {
              current.phase = 'over';
              if (next.type === 'decided') {
                const plan = JSON.stringify(next.plan);
                chosen.add(plan);
                // Who starts as a founder has voted: those are a majority of etcd's members.
                const founders = states.filter(
                  ({ accepted }, index) =>
                    next.plan.some(({ name }) => name === nodes[index]) &&
                    JSON.stringify(accepted?.plan) === plan,
                );
                expect(founders.length).toBeGreaterThan(next.plan.length / 2);
              }
            }
            continue;
          }
          const request: FoundingRequest =
            current.phase === 'prepare'
              ? { type: 'prepare', ballot: current.ballot }
              : { type: 'accept', ballot: current.ballot, plan: current.plan };
          const answer = answerFounding(states[a]!, request);
          states[a] = answer.state;
          // An acceptor answers a proposer once per phase: a doubled answer counts once.
          const others = current.replies.filter(({ from }) => from !== nodes[a]);
          const told = { from: nodes[a]!, reply: answer.reply };
          if (what === 'deliver') current.replies = [...others, told];
        }
        decisions += chosen.size;
        expect(chosen.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3000 },
    );
    // The walk reaches decisions often enough to mean something.
    expect(decisions).toBeGreaterThan(100);
  });

  it('tells whoever asks later what was decided', () => {
    const plan = planOf(['one', 'two']);
    const decided = answerFounding(unfounded, { type: 'decided', plan }).state;
    const late = answerFounding(decided, { type: 'prepare', ballot: { round: 9, node: 'three' } });
    expect(late).toEqual({ state: decided, reply: { type: 'decided', plan } });
  });
});
