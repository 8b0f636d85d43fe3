// The change feed: rounds of deltas, a full reading where the hash says that the mirror is wrong, and
// the condition that comes out of it (peers.md §3).

import type { Instance } from '../../model/service.ts';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import type {
  InstanceRef,
  RegistryChange,
  RegistryCondition,
  RegistryMemory,
  RegistryObserver,
} from '../driver.ts';
import { conditionTeller } from '../common/condition-teller.ts';
import { conditionOf } from '../common/condition.ts';
import { createRoundLoop } from '../common/round-loop.ts';
import {
  answered,
  interrupted,
  isSuspiciousLoss,
  unseen,
  type Continuity,
} from '../common/trust.ts';
import type { EurekaApi } from './api.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import { instanceRefOf, type Applied, type Mirror } from './mirror.ts';
import type { EurekaSettings } from './options.ts';
import type { Removals, Surroundings } from './removals.ts';
import { createServerWatch, type ServerWatch } from './server-watch.ts';
import { hashOf, type EurekaStatus, type Listing } from './wire.ts';

/** A full reading may cost a tenth of the time. */
const fullCostFactor = 10;
/** A delta holds the changes of 180 s: after this long without one, everything is read. */
const deltaReachMs = 150_000;
/**
 * A hash that stays wrong (a server whose lists come from different moments) is not answered by full
 * readings without end: one at most in ten times its own cost, and in this time.
 */
const shortestFullMs = 500;
/** After a gap, what is read may for so long still be from before it. */
const settleMs = 3_000;

export interface Reader {
  start(observer: RegistryObserver, memory?: RegistryMemory): void;
  stop(): Promise<void>;
  wake(): void;
  /** A connection was refused or cut, or another server answers. */
  interrupted(): void;
  /** A read was answered. */
  answered(): void;
  /** The view is whole. */
  readonly whole: boolean;
  readonly roundMs: number | undefined;
  readonly intervalMs: number | undefined;
  readonly watch: ServerWatch;
}

export interface ReaderParts {
  readonly api: EurekaApi;
  readonly mirror: Mirror;
  readonly removals: Removals;
  readonly settings: EurekaSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The address in use, for people. */
  address(): string;
}

/** What a round has to tell. */
interface Pending {
  readonly instances: Instance[];
  readonly moved: InstanceRef[];
  readonly touched: Set<string>;
}

/** Gives the reader; nothing is asked before `start`. */
export function createReader(parts: ReaderParts): Reader {
  const { api, mirror, removals, settings, clock, logger } = parts;
  const now = (): number => clock.monotonicMs();
  const watch = createServerWatch(api, settings, clock, logger);
  let observer: RegistryObserver | undefined;
  let continuity: Continuity = unseen;
  let whole = false;
  let forgotten = true;
  let deltas = true;
  let fullMs = 0;
  let fullTriedAtMs = -Infinity;
  let lastFullMs = -Infinity;
  let lastWholeMs = -Infinity;
  let lastEmptyMs: number | undefined;
  let emptyFromStart = true;
  /** Empty, and not because the last one left before our eyes. */
  let emptyByLoss = false;
  let ownersUntilMs: number | undefined;
  let known: number | undefined;

  const say = conditionTeller(
    (condition) => observer?.condition(condition),
    () => parts.address(),
    logger,
  );

  /** Reads everything. An answer that its own hash does not fit is half an answer: nothing of it counts. */
  const readAll = async (): Promise<Applied | Trouble> => {
    const beganMs = now();
    fullTriedAtMs = beganMs;
    const listing = await api.all();
    if (!listing.ok) return listing.trouble;
    const { entries, hash } = listing.value;
    const found = hashOfListing(listing.value);
    if (found !== hash) {
      return badAnswer(`GET /apps: its hash is '${hash}', what it lists gives '${found}'`);
    }
    fullMs = now() - beganMs;
    forgotten = false;
    lastFullMs = beganMs;
    return mirror.applyAll(entries.map(({ instance }) => instance));
  };

  /** Reads what is needed; the mirror is as the server lists it afterwards, unless there is trouble. */
  const read = async (pending: Pending): Promise<Trouble | undefined> => {
    const nowMs = now();
    const suspiciousMs = removals.suspiciousSinceMs;
    const fullDue =
      forgotten ||
      !deltas ||
      nowMs - lastWholeMs > deltaReachMs ||
      nowMs - lastFullMs > settings.fullReadMs ||
      (suspiciousMs !== undefined && lastFullMs <= suspiciousMs);
    if (!fullDue) {
      const delta = await api.delta();
      if (!delta.ok) return delta.trouble;
      if (delta.value === undefined) {
        deltas = false;
        logger.info({}, 'this Eureka has its deltas turned off: everything is read each round');
      } else {
        add(pending, mirror.applyDelta(delta.value.entries));
        if (mirror.hash === delta.value.hash) return undefined;
        watch.repaired();
        const pauseMs = Math.max(shortestFullMs, fullMs * fullCostFactor);
        if (nowMs - fullTriedAtMs < pauseMs) return undefined;
      }
    }
    const applied = await readAll();
    if ('kind' in applied) return applied;
    add(pending, applied);
    return undefined;
  };

  const round = async (): Promise<void> => {
    const pending: Pending = { instances: [], moved: [], touched: new Set() };
    const trouble = await read(pending);
    const readMs = now() - loop.startedAtMs;
    if (trouble !== undefined) {
      publish(pending, []);
      failed(trouble);
      return;
    }
    watch.listed(mirror);
    const nowMs = now();
    emptyByLoss = mirror.listed === 0 && (emptyByLoss || mayHaveLostAll());
    if (emptyByLoss) lastEmptyMs = nowMs;
    if (mirror.listed > 0) emptyFromStart = false;
    const around: Surroundings = { nowMs, continuity, lastWholeMs, lastEmptyMs, lastFullMs };
    const decided = await removals.decide(around);
    add(pending, mirror.applyUnlisted(decided.present));
    publish(pending, decided.gone);
    if (decided.trouble !== undefined) {
      failed(decided.trouble);
      return;
    }
    lastWholeMs = loop.startedAtMs;
    loop.succeeded(readMs, { shortestMs: watch.shortestIntervalMs });
    watch.look();
    say(conditionNow(undefined));
  };

  /** Since it was last read whole, or a moment before, another process may have taken its place. */
  const mayHaveLostAll = (): boolean => {
    const gapEndMs = continuity.gaps.at(-1)?.endMs;
    return gapEndMs !== undefined && lastWholeMs <= gapEndMs + settleMs;
  };

  const publish = (
    { instances, moved, touched }: Pending,
    gone: Awaited<ReturnType<Removals['decide']>>['gone'],
  ): void => {
    // Nothing is told before everything was read once.
    if (lastFullMs === -Infinity) return;
    const removed = gone.map(({ entry, proof }) => {
      mirror.remove(entry);
      touched.add(entry.serviceId);
      return { ...instanceRefOf(entry), proof };
    });
    const { changed, emptied } = mirror.settle(touched);
    const proof = removed.some((each) => each.proof === 'absence') ? 'absence' : 'tombstone';
    const change: RegistryChange = {
      services: changed,
      instances,
      removedInstances: [
        ...moved.map((ref) => ({ ...ref, proof: 'tombstone' as const })),
        ...removed,
      ],
      removedServices: emptied.map((ref) => ({ ...ref, proof })),
      seenAtMs: clock.nowMs(),
    };
    const something =
      changed.length + instances.length + change.removedInstances.length + emptied.length > 0;
    if (!whole || something) observer?.changed(change);
    if (!whole && known !== undefined && isSuspiciousLoss(known - mirror.size, known)) {
      ownersUntilMs = now() + settings.ownersWaitMs;
    }
    whole = true;
  };

  const conditionNow = (trouble: Trouble | undefined): RegistryCondition => {
    const empty = known !== 0 && emptyFromStart;
    if (empty) ownersUntilMs = now() + settings.ownersWaitMs;
    const held = removals.held();
    return conditionOf({
      nowMs: now(),
      trouble,
      nodesDiffer: undefined,
      held: held === undefined ? [] : [held],
      emptyFromStart: empty,
      ownersUntilMs,
    });
  };

  const failed = (trouble: Trouble): void => {
    loop.failed();
    if (trouble.kind === 'failed') forgotten = true;
    say(conditionNow(trouble));
  };

  const loop = createRoundLoop({
    clock,
    random: parts.random,
    logger,
    pollMinMs: settings.pollMinMs,
    round,
  });

  return {
    watch,
    start(given, memory) {
      observer = given;
      known = memory?.known;
      say({ state: 'unknown', reason: 'starting', detail: 'nothing was read yet' });
      loop.start();
    },
    async stop() {
      observer = undefined;
      await loop.stop();
      await watch.idle();
    },
    wake: () => loop.wake(),
    interrupted() {
      continuity = interrupted(continuity);
      forgotten = true;
    },
    answered() {
      continuity = answered(continuity, now());
    },
    get whole() {
      return whole;
    },
    get roundMs() {
      return loop.roundMs;
    },
    get intervalMs() {
      return loop.intervalMs;
    },
  };
}

function add(pending: Pending, applied: Applied): void {
  for (const instance of applied.instances) pending.instances.push(instance);
  for (const ref of applied.moved) pending.moved.push(ref);
  for (const serviceId of applied.touched) pending.touched.add(serviceId);
}

function hashOfListing({ entries }: Listing): string {
  const counts = new Map<EurekaStatus, number>();
  for (const { instance } of entries) {
    counts.set(instance.status, (counts.get(instance.status) ?? 0) + 1);
  }
  return hashOf(counts);
}
