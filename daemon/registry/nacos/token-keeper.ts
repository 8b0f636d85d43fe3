// The token of a login: one for each server, got when it is first needed and again before it ends
// (peers.md §5, "Login").

import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { Answer } from './http-client.ts';
import type { NacosAddress, NacosSettings } from './options.ts';

/** Renewed when this share of its time is left. Raising it logs in more often. */
const renewedAtShare = 0.2;

type Token =
  /** `undefined`: no user is configured. */
  | { readonly kind: 'token'; readonly value: string | undefined }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

export interface TokenKeeper {
  get(address: NacosAddress): Promise<Token>;
  /** The server refused it. */
  forget(address: NacosAddress, token: string): void;
}

/** Gives the keeper; `login` sends the form of a login. */
export function createTokenKeeper(
  credentials: NacosSettings['credentials'],
  login: (address: NacosAddress, form: URLSearchParams) => Promise<Answer>,
): TokenKeeper {
  const kept = new Map<string, { readonly token: string; readonly untilMs: number }>();
  const logins = new Map<string, Promise<Token>>();

  const logIn = async (address: NacosAddress, name: string, password: string): Promise<Token> => {
    const answer = await login(address, new URLSearchParams({ username: name, password }));
    if (answer.kind === 'failed') return { kind: 'trouble', trouble: answer };
    if (answer.kind === 'refused') {
      // A wrong password is a plain 500 for a 3.1.0 server, an unknown user 403.
      const message = `login of '${name}' (registry.credentials; a wrong password is answered so too)`;
      return { kind: 'trouble', trouble: { ...answer, message: `${message}: ${answer.message}` } };
    }
    const { accessToken, tokenTtl } = (answer.body ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof accessToken !== 'string' || accessToken === '') {
      return { kind: 'trouble', trouble: badAnswer('a login that gives no accessToken') };
    }
    const seconds = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : 60;
    const untilMs = performance.now() + seconds * 1_000 * (1 - renewedAtShare);
    kept.set(address.origin, { token: accessToken, untilMs });
    return { kind: 'token', value: accessToken };
  };

  return {
    async get(address) {
      if (credentials === undefined) return { kind: 'token', value: undefined };
      const present = kept.get(address.origin);
      if (present !== undefined && performance.now() < present.untilMs) {
        return { kind: 'token', value: present.token };
      }
      let running = logins.get(address.origin);
      if (running === undefined) {
        running = logIn(address, credentials.name, credentials.password).finally(() =>
          logins.delete(address.origin),
        );
        logins.set(address.origin, running);
      }
      return running;
    },
    forget({ origin }, token) {
      if (kept.get(origin)?.token === token) kept.delete(origin);
    },
  };
}
