// What is wrong with a configuration, as a list for people or for programs.

import { describeError } from '../../proto/errors.ts';
import type { ConfigMistake } from '../control/ports.ts';
import { describeProblem, type ConfigProblem, type Message } from '../config/problems.ts';
import type { Session } from './session.ts';

/** Gives the problems with their texts. */
export function problemsJson(session: Session, problems: readonly ConfigProblem[]): unknown {
  return problems.map((problem) => ({
    code: problem.code,
    ...describeProblem(problem, session.say),
  }));
}

/** Gives mistakes of an edit with their texts, and what those are made of. */
export function mistakesJson(session: Session, mistakes: readonly ConfigMistake[]): unknown {
  return mistakes.map((mistake) => ({ ...mistake, ...describeError(mistake, session.say) }));
}

/** Prints mistakes of an edit to standard error. */
export function tellMistakes(session: Session, mistakes: readonly ConfigMistake[]): void {
  for (const mistake of mistakes) tell(session, describeError(mistake, session.say));
}

/** Prints problems to standard error. */
export function tellProblems(session: Session, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    tell(session, describeProblem(problem, session.say));
  }
}

/** Prints notices to standard error. */
export function tellNotices(session: Session, notices: readonly Message[]): void {
  for (const { key, parameters } of notices) {
    session.io.error(`! ${session.say(key, parameters)}\n`);
  }
}

function tell(session: Session, said: { readonly text: string; readonly remedy: string }): void {
  session.io.error(`✗ ${said.text}\n  → ${said.remedy}\n`);
}
