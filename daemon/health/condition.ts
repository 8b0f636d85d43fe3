// One condition with its three texts: what is wrong, what to do, and its half of the sentence.

import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { healthTable, textOf } from '../../proto/health.ts';
import type { HealthCode, Severity, TextValue } from '../../proto/health.ts';
import type { MessageKey } from '../../proto/translate.ts';

/** One thing that is not as it should be. */
export interface Condition {
  readonly code: HealthCode;
  readonly severity: Severity;
  /** A cluster, a member, an address; empty: the daemon itself. */
  readonly subject: string;
  /** Milliseconds since 1970; `undefined`: not known. */
  readonly sinceMs: number | undefined;
  readonly text: Text;
  readonly remedy: Text;
  /** What the sentence about the whole says of it; `undefined`: nothing. */
  readonly clause: Text | undefined;
}

export interface ConditionFacts {
  readonly subject: string;
  readonly sinceMs?: number | undefined;
  readonly values?: Readonly<Record<string, TextValue>>;
}

/** Codes whose texts the table of errors has already. */
type ErrorTextCode = Extract<HealthCode, `registry-${string}` | `join-${string}`>;
type OwnTextCode = Exclude<HealthCode, ErrorTextCode>;

/** Gives the condition `code`; `values` fill all of its texts. */
export function condition(code: HealthCode, facts: ConditionFacts): Condition {
  const values = {
    subject: facts.subject,
    ...(facts.sinceMs === undefined ? {} : { since: { elapsedSinceMs: facts.sinceMs } }),
    ...facts.values,
  };
  const keys = textKeys(code);
  return {
    code,
    severity: healthTable[code],
    subject: facts.subject,
    sinceMs: facts.sinceMs,
    text: textOf(keys.text, values),
    remedy: textOf(keys.remedy, values),
    clause: keys.clause === undefined ? undefined : textOf(keys.clause, values),
  };
}

interface TextKeys {
  readonly text: MessageKey;
  readonly remedy: MessageKey;
  readonly clause: MessageKey | undefined;
}

function textKeys(code: HealthCode): TextKeys {
  if (hasErrorText(code)) {
    const [area, name] = splitOnce(code);
    return {
      // Both areas of the table have exactly the codes of UnknownReason and JoinFailure.
      text: `errors.${area}.${name}.text` as MessageKey,
      remedy: `errors.${area}.${name}.remedy` as MessageKey,
      clause: area === 'join' ? 'health.clause.join' : 'health.clause.registry',
    };
  }
  return {
    text: `health.text.${code}`,
    remedy: `health.remedy.${code}`,
    clause: hasClause(code) ? `health.clause.${code}` : undefined,
  };
}

function hasErrorText(code: HealthCode): code is ErrorTextCode {
  return code.startsWith('registry-') || code.startsWith('join-');
}

function splitOnce(code: ErrorTextCode): readonly [string, string] {
  const at = code.indexOf('-');
  return [code.slice(0, at), code.slice(at + 1)];
}

const clauseCodes = [
  'peer-silent',
  'peer-connecting',
  'peer-stale',
  'peer-origin-unknown',
  'peer-paused',
  'clock-skew',
  'name-taken',
  'name-shared',
  'replica-failed',
  'no-leader',
  'etcd-away',
  'waits-for-single',
  'held-removals',
  'queue-backlog',
  'leases-late',
  'store-trouble',
  'pool-name-conflict',
] as const satisfies readonly OwnTextCode[];

function hasClause(code: OwnTextCode): code is (typeof clauseCodes)[number] {
  return (clauseCodes as readonly string[]).includes(code);
}
