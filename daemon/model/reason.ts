// Why something is as it is, for people: a message of the catalogues with what fills it. It is put
// into words where it is read, in the reader's language; until then it travels and is kept as data.

import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { textOf, type TextValue } from '../../proto/health.ts';
import type { MessageKey } from '../../proto/translate.ts';

/** A text by its key (`reason.tombstone`) with its values. */
export type Reason = Text;

type ReasonCode =
  Extract<MessageKey, `reason.${string}`> extends `reason.${infer Code}` ? Code : never;

/** Gives the reason `code` of the catalogues (`reason.*`), filled with `values`. */
export function because(
  code: ReasonCode,
  values: Readonly<Record<string, TextValue>> = {},
): Reason {
  return textOf(`reason.${code}`, values);
}

/** Gives words that somebody else chose (a registry's answer) as a reason, as they are. */
export function verbatim(text: string): Reason {
  return because('verbatim', { text });
}

/** Gives one line that is equal for equal reasons; what `readReason` takes. */
export function writeReason(reason: Reason): string {
  return JSON.stringify(reason);
}

/** Reads a line of `writeReason`; anything else is a sentence from before reasons were data. */
export function readReason(line: string): Reason {
  try {
    const read: unknown = JSON.parse(line);
    if (isReason(read)) return read;
  } catch {
    // A sentence.
  }
  return verbatim(line);
}

function isReason(value: unknown): value is Reason {
  if (typeof value !== 'object' || value === null) return false;
  return 'key' in value && 'arguments' in value && Array.isArray(value.arguments);
}
