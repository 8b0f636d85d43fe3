// What is wrong with a configuration, as a list for people or for programs.

import { describeProblem, type ConfigProblem, type Message } from '../config/problems.ts';
import type { Session } from './session.ts';

/** Gives the problems with their texts. */
export function problemsJson(session: Session, problems: readonly ConfigProblem[]): unknown {
  return problems.map((problem) => ({
    code: problem.code,
    ...describeProblem(problem, session.say),
  }));
}

/** Prints problems to standard error. */
export function tellProblems(session: Session, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    const { text, remedy } = describeProblem(problem, session.say);
    session.io.error(`✗ ${text}\n  → ${remedy}\n`);
  }
}

/** Prints notices to standard error. */
export function tellNotices(session: Session, notices: readonly Message[]): void {
  for (const { key, parameters } of notices) {
    session.io.error(`! ${session.say(key, parameters)}\n`);
  }
}
