// What Consul's texts mean: most of its refusals are a 500 with a sentence, whether it is the request
// that is wrong or the server (peers.md §4, "Errors").

import type { Trouble } from '../common/trouble.ts';
import { conflict, failedBy, tooLarge, type Failed } from '../common/write-failure.ts';

/** What a refused operation of a transaction means for what was tried. */
export type Refusal =
  /** Somebody else wrote it meanwhile: look again. */
  { readonly kind: 'stale' } | { readonly kind: 'failed'; readonly failed: Failed };

/** Longest text of Consul's that is passed on: it repeats what was sent. */
const longestText = 300;

const kinds: readonly (readonly [pattern: RegExp, kind: 'invalid' | 'rights' | 'retry'])[] = [
  [/permission denied|ACL not found|lacks permission/i, 'rights'],
  [
    /no cluster leader|no path to|rpc error|rate limit|leadership lost|shutdown|timed? ?out/i,
    'retry',
  ],
  [/missing node registration/i, 'retry'],
  [/invalid|must provide|must specify|cannot|couldn't|unknown|is reserved|conflict/i, 'invalid'],
];

/** Gives what the text of a refused operation means. */
export function refusalOf(what: string, aim: string): Refusal {
  if (/index is stale/i.test(what)) return { kind: 'stale' };
  return { kind: 'failed', failed: failedByText(what, aim) };
}

/** Gives the failure that a trouble means; a 500 is told apart by its text. */
export function consulFailure(trouble: Trouble, aim: string): Failed {
  if (trouble.kind === 'failed') return failedBy(trouble, aim);
  const { status, message } = trouble;
  if (status === 413) return tooLarge(`${aim}: ${cut(message)}`);
  if (status === 409 && message === '') return conflict(`${aim}: refused without a word`);
  if (status === 409 || status === 500) return failedByText(message, aim);
  return failedBy({ ...trouble, message: cut(message) }, aim);
}

function failedByText(text: string, aim: string): Failed {
  const detail = `${aim}: ${cut(text)}`;
  const kind = kinds.find(([pattern]) => pattern.test(text))?.[1] ?? 'retry';
  switch (kind) {
    case 'invalid':
      return { ok: false, failure: { code: 'invalid', retry: false, detail } };
    case 'rights':
      return { ok: false, failure: { code: 'rights', retry: true, detail } };
    case 'retry':
      return { ok: false, failure: { code: 'server-error', retry: true, detail } };
  }
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}
