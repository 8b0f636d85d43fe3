// The change feed: two blocking queries that say that something changed, rounds that find out what and
// read it, and the condition that comes out of it (peers.md §4, "Blocking").

import type { Instance } from '../../model/service.ts';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import { conditionTeller } from '../common/condition-teller.ts';
import { conditionOf } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import { createRoundLoop } from '../common/round-loop.ts';
import type { Trouble } from '../common/trouble.ts';
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
import type { ConsulApi } from './api.ts';
import { createBlockingWatch } from './blocking-watch.ts';
import { ChangeFinder } from './change-finder.ts';
import { instanceRefOf, type Mirror } from './mirror.ts';
import type { ConsulSettings } from './options.ts';
import { Removals, type Gone } from './removals.ts';
import { createSuspects, type Suspects } from './suspects.ts';
import { isPlain } from './wire.ts';

/** Services read at a time. Raising it reads a large registry faster and leaves others less of it. */
const parallel = 6;
/** While the blocking queries stand, a round asks only whether the server is alive. Silence of 1 s is a gap. */
const aliveMs = 250;
/** After a gap, what is read may for so long still be from before it. */
const settleMs = 3_000;

export interface Reader {
  start(observer: RegistryObserver, memory?: RegistryMemory): void;
  stop(): Promise<void>;
  wake(): void;
  /** A connection was refused or cut, or another address answers. */
  interrupted(): void;
  /** A read was answered. */
  answered(): void;
  /** We have written to the service of this name. */
  wrote(name: string): void;
  /** The view is whole. */
  readonly whole: boolean;
  /** The view is whole, and the last round showed it to be so. */
  readonly answering: boolean;
  readonly findings: Readonly<Record<string, string>>;
  readonly roundMs: number | undefined;
  readonly intervalMs: number | undefined;
}

export interface ReaderParts {
  readonly api: ConsulApi;
  readonly mirror: Mirror;
  readonly settings: ConsulSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The address in use, for people. */
  address(): string;
  /** Looks at token and server when it is time to; what speaks against the view being seen whole. */
  audit(): Promise<Trouble | undefined>;
}

/** What is to be told. */
interface Pending {
  instances: Instance[];
  readonly touched: Set<string>;
}

/** Gives the reader; nothing is asked before `start`. */
export function createReader(parts: ReaderParts): Reader {
  const { api, mirror, settings, clock, logger } = parts;
  const now = (): number => clock.monotonicMs();
  const finder = new ChangeFinder(mirror);
  let observer: RegistryObserver | undefined;
  let continuity: Continuity = unseen;
  let pending: Pending = { instances: [], touched: new Set() };
  let whole = false;
  /** How often the server may have become another one, and which of these a full reading has followed. */
  let interruptions = 0;
  let readAfter: number | undefined;
  let resets = 0;
  let lastFullMs = -Infinity;
  let lastWholeMs = -Infinity;
  let lastEmptyMs: number | undefined;
  let emptyFromStart = true;
  /** Empty, and not because the last one left before our eyes. */
  let emptyByLoss = false;
  let ownersUntilMs: number | undefined;
  let known: number | undefined;
  let lastTrouble: Trouble | undefined;
  const say = conditionTeller(
    (condition) => observer?.condition(condition),
    () => parts.address(),
    logger,
  );
  const watchParts = {
    clock,
    random: parts.random,
    changed: () => loop.wake(),
    reset(detail: string) {
      resets += 1;
      logger.info({ detail }, 'the index of the registry was reset: everything is read again');
      mayBeAnother();
    },
  };
  const namesWatch = createBlockingWatch({
    ...watchParts,
    query: (blocking) => api.names(blocking),
    entries: ({ size }) => size,
  });
  const checksWatch = createBlockingWatch({
    ...watchParts,
    query: (blocking) => api.failingChecks(blocking),
    entries: ({ length }) => length,
  });

  const mayBeAnother = (): void => {
    continuity = interrupted(continuity);
    interruptions += 1;
  };

  const readServices = async (
    names: ReadonlySet<string>,
    consistent: boolean,
  ): Promise<Trouble | undefined> => {
    let trouble: Trouble | undefined;
    await eachLimited([...names], parallel, async (name) => {
      if (trouble !== undefined) return;
      const answer = await api.service(name, { consistent });
      if (!answer.ok) {
        trouble = answer.trouble;
        return;
      }
      const { index, value } = answer.value;
      const applied = mirror.apply(name, index, value.filter(isPlain));
      for (const instance of applied.instances) pending.instances.push(instance);
      for (const serviceId of applied.touched) pending.touched.add(serviceId);
    });
    return trouble;
  };
  const removals = new Removals(mirror, (names) => readServices(names, true));

  const suspects: Suspects = createSuspects({
    ...{ api, mirror, clock, logger, parallel },
    names: () => finder.all(),
    read: (changed) => readServices(changed, false),
    // What is certain is told before the search begins.
    begins: () => publish([]),
    wake: () => loop.wake(),
  });

  /** Brings the mirror to what Consul lists, unless there is trouble. */
  const read = async (): Promise<Trouble | undefined> => {
    const beganMs = now();
    const suspiciousMs = removals.suspiciousSinceMs;
    const seen = interruptions;
    const full =
      readAfter !== seen ||
      beganMs - lastFullMs > settings.fullReadMs ||
      (suspiciousMs !== undefined && lastFullMs <= suspiciousMs);
    const names = await latest(full, namesWatch, () => api.names());
    if (!names.ok) return names.trouble;
    const checks = await latest(full, checksWatch, () => api.failingChecks());
    if (!checks.ok) return checks.trouble;
    const { changed, doubt } = finder.compare(names.value, checks.value.value);
    if (full) {
      suspects.clear();
      const trouble = await readServices(finder.all(), false);
      if (trouble !== undefined) return trouble;
      // An interruption while we read asks for another full reading.
      readAfter = seen;
      lastFullMs = beganMs;
      return undefined;
    }
    if (doubt) suspects.raise(names.value.index);
    const trouble = await readServices(changed, false);
    return trouble ?? suspects.search();
  };

  const round = async (): Promise<void> => {
    const alive = await api.alive();
    const trouble = alive.ok ? ((await parts.audit()) ?? (await read())) : alive.trouble;
    const readMs = now() - loop.startedAtMs;
    if (trouble !== undefined) {
      publish([]);
      failed(trouble);
      return;
    }
    const nowMs = now();
    emptyByLoss = mirror.listed === 0 && (emptyByLoss || mayHaveLostAll());
    if (emptyByLoss) lastEmptyMs = nowMs;
    if (mirror.listed > 0) emptyFromStart = false;
    const around = { nowMs, continuity, lastWholeMs, lastEmptyMs, lastFullMs };
    const decided = await removals.decide(around);
    publish(decided.gone);
    if (decided.trouble !== undefined) {
      failed(decided.trouble);
      return;
    }
    lastTrouble = undefined;
    if (readAfter === interruptions) lastWholeMs = loop.startedAtMs;
    const watched = namesWatch.trouble === undefined && checksWatch.trouble === undefined;
    loop.succeeded(readMs, watched ? { shortestMs: aliveMs } : {});
    say(conditionNow(undefined));
  };

  /** Since it was last read whole, or a moment before, another process may have taken its place. */
  const mayHaveLostAll = (): boolean => {
    const gapEndMs = continuity.gaps.at(-1)?.endMs;
    return gapEndMs !== undefined && lastWholeMs <= gapEndMs + settleMs;
  };

  const publish = (gone: readonly Gone[]): void => {
    // Nothing is told before everything was read once.
    if (lastFullMs === -Infinity) return;
    const { instances, touched } = pending;
    pending = { instances: [], touched: new Set() };
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
      removedInstances: removed,
      removedServices: emptied.map((ref) => ({ ...ref, proof })),
      seenAtMs: clock.nowMs(),
    };
    const something = changed.length + instances.length + removed.length + emptied.length > 0;
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
    lastTrouble = trouble;
    // Whatever was to be read was not: nothing may be taken for read.
    readAfter = undefined;
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
      namesWatch.start();
      checksWatch.start();
    },
    async stop() {
      observer = undefined;
      suspects.stop();
      await Promise.all([loop.stop(), namesWatch.stop(), checksWatch.stop()]);
    },
    wake: () => loop.wake(),
    wrote(name) {
      finder.touch(name);
      loop.wake();
    },
    interrupted: mayBeAnother,
    answered() {
      continuity = answered(continuity, now());
    },
    get whole() {
      return whole;
    },
    get answering() {
      return whole && lastTrouble === undefined;
    },
    get findings() {
      const trouble = namesWatch.trouble ?? checksWatch.trouble;
      return {
        feed: trouble === undefined ? 'blocking queries' : 'rounds',
        'changes-found-by': suspects.way,
        'index-resets': String(resets),
      };
    },
    get roundMs() {
      return loop.roundMs;
    },
    get intervalMs() {
      return loop.intervalMs;
    },
  };
}

/** Gives what the watch has, or reads it where the watch has nothing to offer. */
async function latest<T, F>(
  fresh: boolean,
  watch: { readonly last: T | undefined; readonly trouble: Trouble | undefined },
  read: () => Promise<{ ok: true; value: T } | F>,
): Promise<{ ok: true; value: T } | F> {
  if (!fresh && watch.last !== undefined && watch.trouble === undefined) {
    return { ok: true, value: watch.last };
  }
  return read();
}
