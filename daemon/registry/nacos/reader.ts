// The change feed: each round reads everything, and the condition comes out of how that went.

import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import { conditionTeller } from '../common/condition-teller.ts';
import { conditionOf } from '../common/condition.ts';
import { createRoundLoop } from '../common/round-loop.ts';
import type { Outcome, Trouble } from '../common/trouble.ts';
import {
  answered,
  interrupted,
  isSuspiciousLoss,
  unseen,
  type Continuity,
} from '../common/trust.ts';
import type {
  RegistryChange,
  RegistryCondition,
  RegistryMemory,
  RegistryObserver,
} from '../driver.ts';
import type { NacosApi } from './api.ts';
import { instanceRefOf, type Applied, type Mirror } from './mirror.ts';
import type { NacosSettings } from './options.ts';
import type { Decided, Removals } from './removals.ts';
import type { NacosInstance } from './wire.ts';

/** After a gap, what is read may for so long still be from before it. */
const settleMs = 3_000;

/**
 * What reading costs a server at most: the rest of a round was waiting. Raising them makes intervals
 * longer where a server answers slowly.
 */
const mostPerRoundMs = 20;
const mostPerInstanceMs = 0.1;

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
  /** What the server calls its version. */
  readonly version: string;
  readonly roundMs: number | undefined;
  readonly intervalMs: number | undefined;
}

export interface ReaderParts {
  readonly api: NacosApi;
  readonly mirror: Mirror;
  readonly removals: Removals;
  readonly settings: NacosSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The address in use, for people. */
  address(): string;
}

/** Gives the reader; nothing is asked before `start`. */
export function createReader(parts: ReaderParts): Reader {
  const { api, mirror, removals, settings, clock, logger } = parts;
  const now = (): number => clock.monotonicMs();
  let observer: RegistryObserver | undefined;
  let continuity: Continuity = unseen;
  let whole = false;
  let version: string | undefined;
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

  const readAll = async (): Promise<Outcome<readonly NacosInstance[]>> => {
    const all: NacosInstance[] = [];
    for (const project of settings.projects) {
      const read = await api.all(project);
      if (!read.ok) return read;
      for (const instance of read.value) all.push(instance);
    }
    return { ok: true, value: all };
  };

  const round = async (): Promise<void> => {
    const readingMs = loop.startedAtMs;
    const read = await readAll();
    const readMs = now() - readingMs;
    if (!read.ok) {
      failed(read.trouble);
      return;
    }
    const applied = mirror.applyAll(read.value);
    const nowMs = now();
    emptyByLoss = mirror.listed === 0 && (emptyByLoss || mayHaveLostAll());
    if (emptyByLoss) lastEmptyMs = nowMs;
    if (mirror.listed > 0) emptyFromStart = false;
    const decided = await removals.decide({
      nowMs,
      continuity,
      lastWholeMs,
      lastEmptyMs,
      readingMs,
    });
    publish([applied, mirror.applyUnlisted(decided.present)], decided.gone);
    if (decided.trouble !== undefined) {
      failed(decided.trouble);
      return;
    }
    lastWholeMs = readingMs;
    loop.succeeded(readMs, { mostMs: mostPerRoundMs + mostPerInstanceMs * mirror.listed });
    say(conditionNow(undefined));
    version ??= await api.version();
  };

  /** Since it was last read whole, or a moment before, another process may have taken its place. */
  const mayHaveLostAll = (): boolean => {
    const gapEndMs = continuity.gaps.at(-1)?.endMs;
    return gapEndMs !== undefined && lastWholeMs <= gapEndMs + settleMs;
  };

  const publish = (applied: readonly Applied[], gone: Decided['gone']): void => {
    const touched = new Set(applied.flatMap((each) => [...each.touched]));
    const removed = gone.map(({ entry, proof }) => {
      mirror.remove(entry);
      touched.add(entry.serviceId);
      return { ...instanceRefOf(entry), proof };
    });
    const { changed, emptied } = mirror.settle(touched);
    const proof = removed.some((each) => each.proof === 'absence') ? 'absence' : 'tombstone';
    const moved = applied.flatMap((each) => each.moved);
    const change: RegistryChange = {
      services: changed,
      instances: applied.flatMap(({ instances }) => instances),
      removedInstances: [
        ...moved.map((ref) => ({ ...ref, proof: 'tombstone' as const })),
        ...removed,
      ],
      removedServices: emptied.map((ref) => ({ ...ref, proof })),
      seenAtMs: clock.nowMs(),
    };
    const { services, instances, removedInstances, removedServices } = change;
    const count =
      services.length + instances.length + removedInstances.length + removedServices.length;
    if (!whole || count > 0) observer?.changed(change);
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
    start(given, memory) {
      observer = given;
      known = memory?.known;
      say({ state: 'unknown', reason: 'starting', detail: 'nothing was read yet' });
      loop.start();
    },
    async stop() {
      observer = undefined;
      await loop.stop();
    },
    wake: () => loop.wake(),
    interrupted() {
      continuity = interrupted(continuity);
      // Another version may come back.
      version = undefined;
    },
    answered() {
      continuity = answered(continuity, now());
    },
    get whole() {
      return whole;
    },
    get version() {
      return version ?? 'unknown';
    },
    get roundMs() {
      return loop.roundMs;
    },
    get intervalMs() {
      return loop.intervalMs;
    },
  };
}
