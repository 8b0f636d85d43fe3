// Who may ask: a link opens one browser, once; the browser then holds a cookie. Both are 256 random
// bits, kept here by their hash alone, so that a dump of our memory opens nothing.

import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../support/clock.ts';

/** How long a link waits to be opened. Longer: a link in a shell's scrollback opens for longer. */
const linkLifeMs = 5 * 60_000;
/** How long a session lives. Longer: a browser left open on a desk asks for longer. */
const sessionLifeMs = 12 * 60 * 60_000;
/** Links and sessions kept at once; one more takes the place of the oldest. Each costs about 100 bytes. */
const largestCount = 64;

export interface Sessions {
  /** Gives a secret that `open` takes once, until `expiresMs`. */
  makeLink(): { readonly secret: string; readonly expiresMs: number };
  /** Takes a link's secret and gives the one of a new session; `undefined`: used, old or wrong. */
  open(linkSecret: string): { readonly secret: string; readonly lifeMs: number } | undefined;
  /** Gives a name for the session of a cookie; `undefined`: ended or never begun. */
  find(secret: string): string | undefined;
  /** Ends one. */
  end(secret: string): void;
}

export function createSessions(clock: Clock): Sessions {
  /** Hash → end, milliseconds since 1970; the oldest first. */
  const links = new Map<string, number>();
  const sessions = new Map<string, number>();

  const issue = (kept: Map<string, number>, lifeMs: number) => {
    const secret = randomBytes(32).toString('base64url');
    const expiresMs = clock.nowMs() + lifeMs;
    kept.set(hashOf(secret), expiresMs);
    for (const [hash, endMs] of kept) {
      if (endMs > clock.nowMs() && kept.size <= largestCount) break;
      kept.delete(hash);
    }
    return { secret, expiresMs };
  };
  const isLive = (kept: Map<string, number>, hash: string): boolean =>
    (kept.get(hash) ?? 0) > clock.nowMs();

  return {
    makeLink: () => issue(links, linkLifeMs),
    open(linkSecret) {
      const hash = hashOf(linkSecret);
      const live = isLive(links, hash);
      links.delete(hash);
      return live
        ? { secret: issue(sessions, sessionLifeMs).secret, lifeMs: sessionLifeMs }
        : undefined;
    },
    find(secret) {
      const hash = hashOf(secret);
      return isLive(sessions, hash) ? hash : undefined;
    },
    end: (secret) => void sessions.delete(hashOf(secret)),
  };
}

/** Looking a hash up leaks no more than that two random hashes differ. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
