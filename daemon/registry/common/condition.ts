// One condition out of everything that a round showed.

import type { RegistryCondition, UnknownReason } from '../driver.ts';
import type { Trouble } from './trouble.ts';

/** Removals that are held, for the condition. */
export interface Held {
  readonly reason: UnknownReason;
  readonly instances: number;
  readonly services: number;
  /** When the last of them is decided; `Infinity`: not by time. */
  readonly untilMs: number;
}

export interface RoundFacts {
  readonly nowMs: number;
  /** What kept the round from being complete. */
  readonly trouble: Trouble | undefined;
  /** How other addresses differ; `undefined`: they do not. */
  readonly nodesDiffer: string | undefined;
  readonly held: readonly Held[];
  /** The registry named nothing since this process looks at it. */
  readonly emptyFromStart: boolean;
  /** Until when owners may still come back to a registry that was empty. */
  readonly ownersUntilMs: number | undefined;
}

/** Gives the condition; pure. */
export function conditionOf(facts: RoundFacts): RegistryCondition {
  if (facts.trouble !== undefined) return conditionOfTrouble(facts.trouble);
  if (facts.nodesDiffer !== undefined) return unknown('differing-nodes', facts.nodesDiffer);
  const [first, ...rest] = facts.held;
  if (first !== undefined) {
    const worst = rest.reduce(
      (left, right) => (right.untilMs > left.untilMs ? right : left),
      first,
    );
    const count = `${worst.instances} instances and ${worst.services} services`;
    const wait =
      worst.untilMs === Infinity
        ? 'kept until the registry shows more'
        : `decided in ${Math.max(0, Math.ceil((worst.untilMs - facts.nowMs) / 1_000))} s`;
    return unknown(worst.reason, `${count} are missing; ${wait}`);
  }
  if (facts.emptyFromStart) {
    return unknown('suspicious-loss', 'the registry is empty: nobody knows whether it always was');
  }
  if (facts.ownersUntilMs !== undefined && facts.nowMs < facts.ownersUntilMs) {
    const seconds = Math.ceil((facts.ownersUntilMs - facts.nowMs) / 1_000);
    return unknown(
      'waiting-for-owners',
      `the registry was empty, or lost much; owners have ${seconds} s more`,
    );
  }
  return { state: 'answering' };
}

/** Gives the condition that a call without a good answer means; never "gone" (§12, rule 4). */
export function conditionOfTrouble(trouble: Trouble): RegistryCondition {
  if (trouble.kind === 'failed') {
    const { code, detail } = trouble.failure;
    return unknown(code === 'bad-answer' ? 'bad-answer' : 'unreachable', detail);
  }
  const detail = `HTTP ${trouble.status} ${trouble.code} ${trouble.message}`.trim();
  if (trouble.status === 401 || trouble.status === 403) return unknown('refused-rights', detail);
  // 429 is a server that has enough to do.
  const overdone = trouble.status >= 500 || trouble.status === 429;
  return unknown(overdone ? 'server-error' : 'bad-answer', detail);
}

function unknown(reason: UnknownReason, detail: string): RegistryCondition {
  return { state: 'unknown', reason, detail };
}
