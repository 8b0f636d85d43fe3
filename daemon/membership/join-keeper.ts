// Keeps this member in the pool: tries the join addresses until one answers, again whenever it
// finds itself alone, and never gives up (the original gave up after three tries, or never tried
// again: go-syncer.md §3).

import type { GossipPool, JoinFailure, JoinResult } from '../gossip/pool.ts';
import { backoff } from '../support/backoff.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { hostPort } from './peers.ts';

/** What is known about joining, for health and status. */
export interface JoinState {
  readonly addresses: readonly string[];
  /** `alone`: no address was given; `joining`: none has answered yet; `joined`. */
  readonly state: 'alone' | 'joining' | 'joined';
  readonly attempts: number;
  /** Of the last try, per address. */
  readonly failures: readonly JoinFailure[];
}

export interface JoinKeeper {
  readonly state: JoinState;
  start(): void;
  stop(): void;
}

/** Longest wait between two tries. Raising it spares an absent peer and finds its return later. */
const maxWaitMs = 30_000;
/** How often a member that once joined looks whether it is alone. */
const lookMs = 15_000;

/** Gives the keeper of one pool's membership. `changed` is called after every try. */
export function createJoinKeeper(
  pool: Pick<GossipPool, 'node' | 'members' | 'join'>,
  addresses: readonly string[],
  parts: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly changed: () => void;
  },
): JoinKeeper {
  const waits = backoff({ initialMs: 500, maxMs: maxWaitMs, factor: 2 }, parts.random);
  let state: JoinState = {
    addresses,
    state: addresses.length === 0 ? 'alone' : 'joining',
    attempts: 0,
    failures: [],
  };
  let timer: Timer | undefined;
  let stopped = false;

  const hasCompany = (): boolean =>
    pool.members().some(({ name, status }) => name !== pool.node && status === 'alive');

  const next = (delayMs: number): void => {
    if (!stopped) timer = parts.clock.after(delayMs, () => void look());
  };

  const look = async (): Promise<void> => {
    if (hasCompany()) {
      if (state.state !== 'joined') publish({ ...state, state: 'joined', failures: [] });
      waits.reset();
      await callBack();
      next(lookMs * (0.8 + 0.4 * parts.random.next()));
      return;
    }
    await tryOnce();
    next(state.state === 'joined' ? lookMs : waits.nextMs());
  };

  /**
   * Who has left and was a join address may be back, and know nobody (the first of a pool joins no one):
   * gossip asks only those that failed. Refused while it is really gone, and nobody is troubled by that.
   */
  const callBack = async (): Promise<void> => {
    const left = pool
      .members()
      .flatMap(({ status, address, port }) => (status === 'left' ? [hostPort(address, port)] : []));
    const gone = addresses.filter((address) => left.includes(address));
    if (gone.length > 0) await pool.join(gone).catch(() => undefined);
  };

  const tryOnce = async (): Promise<void> => {
    const before = state;
    const result = await joinOrReason();
    // Joining oneself answers, too (the walk-through's first node does it), and is no company.
    const joined = result.joined > 0 && (hasCompany() || result.failures.length === 0);
    publish({
      addresses,
      state: joined ? 'joined' : 'joining',
      attempts: before.attempts + 1,
      failures: result.failures,
    });
    for (const failure of result.failures) report(failure, before.failures);
  };

  /** A pool that cannot join now, as while its engine is being started again, has failed too. */
  const joinOrReason = async (): Promise<JoinResult> => {
    try {
      return await pool.join(addresses);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const failures = addresses.map(
        (address) => ({ address, reason: 'unreachable', detail }) as const,
      );
      return { joined: 0, failures };
    }
  };

  const report = (failure: JoinFailure, before: readonly JoinFailure[]): void => {
    const known = before.some(
      (old) => old.address === failure.address && old.reason === failure.reason,
    );
    const level = known ? 'debug' : 'warn';
    parts.logger[level]({ ...failure }, `cannot join ${failure.address}: ${failure.detail}`);
  };

  const publish = (changed: JoinState): void => {
    state = changed;
    parts.changed();
  };

  return {
    get state() {
      return state;
    },
    start() {
      if (addresses.length > 0) void look();
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
