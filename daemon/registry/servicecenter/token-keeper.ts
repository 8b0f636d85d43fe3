// The RBAC token: fetched once for all that wait, renewed before it ends (servicecenter-api.md §14).

import type { Answer } from './http-client.ts';

/** Tokens live 30 minutes; a new one is fetched after this. Raising it risks refused calls. */
const renewAfterMs = 20 * 60_000;

type Login =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'no-token'; readonly answer: Answer };

export interface TokenKeeper {
  token(): Promise<Login>;
  /** The server refused this one. */
  forget(token: string): void;
}

/** Gives the keeper of a token that was given to us: it has no other when this one is refused. */
export function fixedToken(token: string): TokenKeeper {
  return { token: async () => Promise.resolve({ kind: 'token', token }), forget: () => undefined };
}

/** Gives the keeper; `login` posts the account's JSON to `/v4/token`. */
export function createTokenKeeper(
  account: { readonly name: string; readonly password: string },
  nowMs: () => number,
  login: (body: string) => Promise<Answer>,
): TokenKeeper {
  let held: { readonly token: string; readonly sinceMs: number } | undefined;
  let fetching: Promise<Login> | undefined;

  const fetchToken = async (): Promise<Login> => {
    const answer = await login(JSON.stringify(account));
    if (answer.kind !== 'ok') return { kind: 'no-token', answer };
    const token = (answer.body as { token?: unknown } | undefined)?.token;
    if (typeof token !== 'string' || token === '') {
      const failure = {
        code: 'bad-answer',
        interrupts: false,
        sent: true,
        detail: 'login without a token in its answer',
      } as const;
      return { kind: 'no-token', answer: { kind: 'failed', failure } };
    }
    held = { token, sinceMs: nowMs() };
    return { kind: 'token', token };
  };

  return {
    async token() {
      if (held !== undefined && nowMs() - held.sinceMs < renewAfterMs) {
        return { kind: 'token', token: held.token };
      }
      fetching ??= fetchToken().finally(() => {
        fetching = undefined;
      });
      return fetching;
    },
    forget(token) {
      if (held?.token === token) held = undefined;
    },
  };
}
