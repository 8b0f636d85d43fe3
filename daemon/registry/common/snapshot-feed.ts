// The change feed of a registry that is read whole each time: compares each reading with the view, tells
// what became different, and removes only what is proven (trust.ts). A watch calls it at each event, a
// poll at each round; after a lost watch the next whole reading brings everything in order again.

import { isDeepStrictEqual } from 'node:util';
import { leaseSecondsOf, type Instance, type Service } from '../../model/service.ts';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type {
  RegistryChange,
  RegistryCondition,
  RegistryMemory,
  RegistryObserver,
  ServiceRef,
  UnknownReason,
} from '../driver.ts';
import { conditionTeller } from './condition-teller.ts';
import { conditionOf, type Held } from './condition.ts';
import {
  answered,
  interrupted,
  isSuspiciousLoss,
  judge,
  lossWindowMs,
  unseen,
  type Continuity,
  type Missing,
} from './trust.ts';

/** Everything that a registry holds, at one moment. */
export interface Snapshot {
  readonly services: readonly Service[];
  readonly instances: readonly Instance[];
}

/** Why a reading gave nothing. */
export interface ReadingTrouble {
  readonly reason: UnknownReason;
  readonly detail: string;
  /** The registry may have been replaced meanwhile (a refused or cut connection, a missing file). */
  readonly interrupts: boolean;
}

export interface SnapshotFeedParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the registry is, for people. */
  address(): string;
  /** How long owners get to come back where no lease is known. */
  readonly ownersWaitMs: number;
  /** Asks for another reading soon: something is missing, and is to be looked at twice. */
  again(): void;
}

export interface SnapshotFeed {
  start(observer: RegistryObserver, memory?: RegistryMemory): void;
  /** A whole reading. Half a reading is `failed`. */
  seen(snapshot: Snapshot): void;
  failed(trouble: ReadingTrouble): void;
  /** Tells nothing any more. */
  stop(): void;
}

/** Lease of a service whose instances are not known. */
const serviceLeaseMs = 120_000;

interface Absent {
  readonly missing: Missing;
  /** Readings in a row that did not name it. */
  readings: number;
  hold: { readonly reason: UnknownReason; readonly untilMs: number } | undefined;
}

/** One kind of thing in the view: services, or instances. */
class Shelf<T> {
  readonly items = new Map<string, T>();
  readonly absent = new Map<string, Absent>();
  readonly #leaseMs: (item: T) => number;
  #losses: { readonly atMs: number; readonly count: number }[] = [];

  constructor(leaseMs: (item: T) => number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * Takes a reading in; gives what is new or different. `emptied`: nothing is left at all, which a
   * registry shows too that was replaced between two readings.
   */
  take(read: ReadonlyMap<string, T>, lastPresentMs: number, nowMs: number, emptied: boolean): T[] {
    const changed: T[] = [];
    for (const [key, item] of read) {
      if (!isDeepStrictEqual(this.items.get(key), item)) changed.push(item);
      this.items.set(key, item);
      this.absent.delete(key);
    }
    const fresh: string[] = [];
    for (const key of this.items.keys()) {
      if (read.has(key)) continue;
      const known = this.absent.get(key);
      if (known === undefined) fresh.push(key);
      else known.readings += 1;
    }
    if (fresh.length === 0) return changed;
    this.#losses = this.#losses.filter(({ atMs }) => atMs > nowMs - lossWindowMs);
    this.#losses.push({ atMs: nowMs, count: fresh.length });
    const lost = this.#losses.reduce((sum, { count }) => sum + count, 0);
    const suspicious = emptied || isSuspiciousLoss(lost, read.size + lost);
    for (const key of fresh) {
      const item = this.items.get(key);
      if (item === undefined) continue;
      const missing = { leaseMs: this.#leaseMs(item), lastPresentMs, sinceMs: nowMs, suspicious };
      this.absent.set(key, { missing, readings: 1, hold: undefined });
    }
    return changed;
  }

  remove(key: string): void {
    this.items.delete(key);
    this.absent.delete(key);
  }

  /** Something was missing in the last reading for the first time. */
  get unconfirmed(): boolean {
    return [...this.absent.values()].some(({ readings }) => readings === 1);
  }
}

/** Gives the feed; it tells nothing before `start`. */
export function createSnapshotFeed(parts: SnapshotFeedParts): SnapshotFeed {
  const { clock, logger } = parts;
  const services = new Shelf<Service>(() => serviceLeaseMs);
  const instances = new Shelf<Instance>((instance) => leaseSecondsOf(instance) * 1_000);
  let observer: RegistryObserver | undefined;
  let continuity: Continuity = unseen;
  let known: number | undefined;
  let whole = false;
  let everNamed = false;
  let lastSeenMs = -Infinity;
  let lastEmptyMs: number | undefined;
  let ownersUntilMs: number | undefined;
  const say = conditionTeller(
    (condition) => observer?.condition(condition),
    () => parts.address(),
    logger,
  );

  const decide = <T>(
    shelf: Shelf<T>,
    empty: boolean,
    nowMs: number,
  ): [string, T, 'tombstone' | 'absence'][] => {
    const gone: [string, T, 'tombstone' | 'absence'][] = [];
    const around = { nowMs, continuity, empty, lastEmptyMs, totalsAgree: true, nodesDiffer: false };
    for (const [key, absent] of shelf.absent) {
      if (absent.readings < 2) continue;
      const verdict = judge(absent.missing, around);
      const item = shelf.items.get(key);
      if (verdict.kind === 'hold') absent.hold = verdict;
      else if (item !== undefined) {
        gone.push([key, item, absent.hold === undefined ? verdict.proof : 'absence']);
      }
    }
    return gone;
  };

  const held = (): Held[] => {
    const holds = [...instances.absent.values(), ...services.absent.values()].flatMap(
      ({ hold }) => hold ?? [],
    );
    const [first] = holds;
    if (first === undefined) return [];
    const worst = holds.reduce((left, right) => (right.untilMs > left.untilMs ? right : left));
    const count = (shelf: Pick<Shelf<never>, 'absent'>): number =>
      [...shelf.absent.values()].filter(({ hold }) => hold !== undefined).length;
    const { reason, untilMs } = worst;
    return [{ reason, untilMs, instances: count(instances), services: count(services) }];
  };

  const conditionNow = (nowMs: number): RegistryCondition => {
    const emptyFromStart = known !== 0 && !everNamed;
    if (emptyFromStart) ownersUntilMs = nowMs + parts.ownersWaitMs;
    return conditionOf({
      nowMs,
      trouble: undefined,
      nodesDiffer: undefined,
      held: held(),
      emptyFromStart,
      ownersUntilMs,
    });
  };

  return {
    start(watching, memory) {
      observer = watching;
      known = memory?.known;
      say({ state: 'unknown', reason: 'starting', detail: 'nothing was read yet' });
    },

    seen(snapshot) {
      if (observer === undefined) return;
      const nowMs = clock.monotonicMs();
      continuity = answered(continuity, nowMs);
      const empty = snapshot.services.length + snapshot.instances.length === 0;
      if (empty) lastEmptyMs = nowMs;
      else everNamed = true;
      const changedServices = services.take(
        new Map(snapshot.services.map((service) => [service.serviceId, service])),
        lastSeenMs,
        nowMs,
        empty,
      );
      const changedInstances = instances.take(
        new Map(snapshot.instances.map((instance) => [keyOf(instance), instance])),
        lastSeenMs,
        nowMs,
        empty,
      );
      const removedInstances = decide(instances, empty, nowMs).flatMap(([key, instance, proof]) => {
        const ref = refOf(services.items.get(instance.serviceId));
        instances.remove(key);
        return ref === undefined ? [] : [{ ...ref, instanceId: instance.instanceId, proof }];
      });
      const occupied = new Set([...instances.items.values()].map(({ serviceId }) => serviceId));
      const removedServices = decide(services, empty, nowMs)
        .filter(([serviceId]) => !occupied.has(serviceId))
        .flatMap(([serviceId, service, proof]) => {
          services.remove(serviceId);
          const ref = refOf(service);
          return ref === undefined ? [] : [{ ...ref, proof }];
        });
      const change: RegistryChange = {
        services: changedServices,
        instances: changedInstances,
        removedInstances,
        removedServices,
        seenAtMs: clock.nowMs(),
      };
      const size = services.items.size + instances.items.size;
      if (!whole && known !== undefined && isSuspiciousLoss(known - size, known)) {
        ownersUntilMs = nowMs + parts.ownersWaitMs;
      }
      const something =
        changedServices.length +
          changedInstances.length +
          removedInstances.length +
          removedServices.length >
        0;
      if (!whole || something) observer.changed(change);
      whole = true;
      lastSeenMs = nowMs;
      if (services.unconfirmed || instances.unconfirmed) parts.again();
      say(conditionNow(nowMs));
    },

    failed({ reason, detail, interrupts }) {
      if (interrupts) continuity = interrupted(continuity);
      say({ state: 'unknown', reason, detail });
    },

    stop() {
      observer = undefined;
    },
  };
}

function keyOf({ serviceId, instanceId }: Instance): string {
  return `${serviceId}/${instanceId}`;
}

function refOf(service: Service | undefined): ServiceRef | undefined {
  if (service === undefined) return undefined;
  const { domain, project, serviceId } = service;
  return { domain, project, serviceId };
}
