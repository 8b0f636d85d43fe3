// The change feed: rounds over all tenants at an interval that follows their cost, the audit beside
// them, and the condition that comes out of it (servicecenter-api.md §11, §12).

import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import type { RegistryCondition, RegistryMemory, RegistryObserver } from '../driver.ts';
import type { Trouble } from '../common/trouble.ts';
import type { ServiceCenterApi } from './api.ts';
import { createAudit } from './audit.ts';
import { findCapabilities, type Capabilities } from './capabilities.ts';
import { conditionTeller } from '../common/condition-teller.ts';
import { conditionOf } from '../common/condition.ts';
import { createRoundLoop } from '../common/round-loop.ts';
import { tenantsOf, type ServiceCenterSettings, type Tenant } from './options.ts';
import { createTenantReader, type TenantReader, type TenantRound } from './tenant-reader.ts';
import {
  answered,
  interrupted,
  isSuspiciousLoss,
  unseen,
  type Continuity,
} from '../common/trust.ts';

/**
 * What one unchanged name costs the server at most, milliseconds: three times the 12 µs measured
 * (§11). A round that takes longer waits, for a busy machine or a far one. Raising it makes the feed
 * slower there; lowering it lets a slow server give more than a tenth of a core.
 */
const nameCostMs = 0.036;
/**
 * The list shows services that are new; it may take 2 % of the time, within bounds: at 500 services
 * (2 ms) a new one is seen within 200 ms, at 5,000 within a second or two.
 */
const listFactor = 50;
/**
 * What the list costs a server for each name at most (`servicecenter-api.md §11`: 12 ms for 5,000,
 * 31 ms past the cache). More than that is waiting on a busy machine, and no reason to look less often.
 */
const listedNameCostMs = 0.006;
const listBoundsMs = { shortest: 200, longest: 5_000 };
/**
 * Between two rounds the names that changed a short time ago are looked at: what changes, changes again
 * soon (a deployment, a restart). Such a glance may take this part of the time between two of them, and
 * the whole rounds leave it what it takes. Raising it sees more names early and the others later.
 */
const glanceShare = 0.03;
/** All that reads may take this part of the time (§11). */
const wholeShare = 0.1;
/** A glance asks for so many names, whatever they cost. */
const glanceBounds = { shortest: 10, longest: 250 };
/** Details read by the sweep, services a second: with a dump to show changes, and without. */
const sweepPerSecond = { withDump: 2, withoutDump: 20 };

export interface Reader {
  start(observer: RegistryObserver, memory?: RegistryMemory): void;
  stop(): Promise<void>;
  wake(): void;
  /** A connection was refused or cut, or another address answers. */
  interrupted(): void;
  /** A read was answered. */
  answered(): void;
  /** True when a list has shown this service. */
  knows(tenant: Tenant, serviceId: string): boolean;
  /** True when the view is whole and does not know this instance. */
  lacks(tenant: Tenant, serviceId: string, instanceId: string): boolean;
  readonly capabilities: Capabilities | undefined;
  readonly roundMs: number | undefined;
  readonly intervalMs: number | undefined;
  readonly findings: Readonly<Record<string, string>>;
}

/** Gives the reader; nothing is asked before `start`. */
export function createReader(
  api: ServiceCenterApi,
  settings: ServiceCenterSettings,
  parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  address: () => string,
): Reader {
  const { clock, logger } = parts;
  const now = (): number => clock.monotonicMs();
  const tenants = tenantsOf(settings);
  const readers = tenants.map((tenant) => createTenantReader(tenant, api));
  const audit = createAudit(api, settings, readers, now, address);
  const readerOf = (tenant: Tenant): TenantReader | undefined =>
    readers.find(({ view }) => sameTenant(view.tenant, tenant));

  let observer: RegistryObserver | undefined;
  let continuity: Continuity = unseen;
  let capabilities: Capabilities | undefined;
  let revisionsForgotten = false;
  let whole = false;
  let listMs = 0;
  let listedAtMs = -Infinity;
  let sweptAtMs = 0;
  let ownersUntilMs: number | undefined;
  /** What an earlier run knew of this registry; `undefined`: nobody can say. */
  let known: number | undefined;
  let auditing: Promise<void> | undefined;
  const pending: TenantRound['change'][] = [];

  const say = conditionTeller((condition) => observer?.condition(condition), address, logger);

  const nameCount = (): number => readers.reduce((sum, { view }) => sum + view.names.size, 0);

  let roundDueMs = -Infinity;
  /** What one name was last seen to cost the registry. */
  let nameMs = nameCostMs;

  const round = async (hinted: boolean): Promise<void> => {
    if (!hinted && !revisionsForgotten && capabilities !== undefined && now() < roundDueMs) {
      await glance(capabilities);
      return;
    }
    if (capabilities === undefined) {
      const found = await findCapabilities(
        api,
        tenants[0] ?? { domain: 'default', project: 'default' },
      );
      if (!found.ok) {
        failed(found.trouble);
        return;
      }
      capabilities = found.value;
      logger.info({ ...capabilities, address: address() }, 'found a ServiceCenter');
    }
    if (revisionsForgotten) {
      revisionsForgotten = false;
      for (const reader of readers) reader.forgetRevisions();
      listedAtMs = -Infinity;
    }
    const sinceListMs = now() - listedAtMs;
    const listCostMs = Math.min(listMs, Math.max(1, nameCount() * listedNameCostMs));
    const listDue = !whole || sinceListMs >= clamp(listCostMs * listFactor, listBoundsMs);
    const sweep = sweepCount();
    let trouble: Trouble | undefined;
    let findMs = 0;
    let costMs: number | undefined;
    const changes: TenantRound['change'][] = [];
    for (const reader of readers) {
      const done = await reader.round(contextOf(capabilities, sweep), listDue);
      changes.push(done.change);
      findMs += done.findMs;
      if (done.costMs !== undefined) costMs = (costMs ?? 0) + done.costMs;
      if (done.listMs !== undefined) listMs = done.listMs;
      trouble = done.trouble;
      if (trouble !== undefined) break;
    }
    if (listDue && trouble === undefined) listedAtMs = loop.startedAtMs;
    publish(changes, trouble);
    if (trouble !== undefined) {
      failed(trouble);
      return;
    }

    // Without its cache every round reads everything: only the time tells.
    const mostMs = usesCache(capabilities) ? Math.max(1, nameCount() * nameCostMs) : Infinity;
    const lively = readers.reduce(
      (sum, reader) => sum + reader.livelyNames(now(), mostGlanced()),
      0,
    );
    const glances = (lively * nameMs) / settings.pollMinMs;
    loop.succeeded(costMs ?? findMs, { mostMs, share: 1 - glances / wholeShare });
    const intervalMs = loop.intervalMs ?? settings.pollMinMs;
    nameMs = Math.min(nameCostMs, (costMs ?? findMs) / Math.max(1, nameCount()));
    roundDueMs = now() + intervalMs;
    glanceLater();
    auditing ??= audit
      .look(capabilities.cache)
      .catch((error: unknown) => logger.error({ err: error }, 'the audit broke'))
      .finally(() => {
        auditing = undefined;
      });
    say(conditionNow(undefined));
  };

  const usesCache = ({ cache }: Capabilities): boolean => cache && !audit.cacheSeemsOff;

  const contextOf = (found: Capabilities, sweep: number): Parameters<TenantReader['round']>[0] => ({
    now,
    continuity: () => continuity,
    cacheOff: !usesCache(found),
    nodesDiffer: audit.nodesDiffer !== undefined,
    sweep,
    told: (change) => {
      const whatIsNew = { ...change, removedInstances: [], removedServices: [] };
      if (whole) observer?.changed({ ...whatIsNew, seenAtMs: clock.nowMs() });
      else pending.push(whatIsNew);
    },
  });

  /** Looks at the liveliest names alone. */
  const glance = async (found: Capabilities): Promise<void> => {
    for (const reader of readers) {
      if (reader.livelyNames(now(), 1) === 0) continue;
      const seen = await reader.glance(contextOf(found, 0), mostGlanced());
      publish([seen.change], seen.trouble);
      if (seen.trouble !== undefined) {
        failed(seen.trouble);
        return;
      }
      // Only the rate of rounds is bounded here: two of them stand a third of the interval apart.
      if (seen.unsettled) {
        roundDueMs = Math.min(roundDueMs, loop.startedAtMs + (loop.intervalMs ?? 0) / 3);
      }
    }
    glanceLater();
  };

  const mostGlanced = (): number =>
    Math.floor(clamp((glanceShare * settings.pollMinMs) / nameMs, glanceBounds));

  /** Says when the loop comes again, if that is before the next whole round. */
  const glanceLater = (): void => {
    const restMs = roundDueMs - now();
    const isLively = readers.some((reader) => reader.livelyNames(now(), 1) > 0);
    // A round that follows soon sees as much.
    const worthIt = isLively && restMs > settings.pollMinMs * 1.5;
    loop.sooner(worthIt ? settings.pollMinMs : restMs);
  };

  /** The first change waits until every tenant was read whole. */
  const publish = (
    changes: readonly TenantRound['change'][],
    trouble: Trouble | undefined,
  ): void => {
    for (const change of changes) pending.push(change);
    if (!whole && trouble !== undefined) return;
    const merged = {
      services: pending.flatMap(({ services }) => services),
      instances: pending.flatMap(({ instances }) => instances),
      removedInstances: pending.flatMap(({ removedInstances }) => removedInstances),
      removedServices: pending.flatMap(({ removedServices }) => removedServices),
      seenAtMs: clock.nowMs(),
    };
    pending.length = 0;
    const something =
      merged.services.length +
        merged.instances.length +
        merged.removedInstances.length +
        merged.removedServices.length >
      0;
    if (!whole || something) observer?.changed(merged);
    if (!whole) compareWithMemory(merged.services.length + merged.instances.length);
    whole = true;
  };

  /** Most of what an earlier run knew is missing: owners may still be coming back. */
  const compareWithMemory = (found: number): void => {
    if (known !== undefined && isSuspiciousLoss(known - found, known)) {
      ownersUntilMs = now() + settings.ownersWaitMs;
    }
  };

  const conditionNow = (trouble: Trouble | undefined): RegistryCondition => {
    const emptyFromStart = known !== 0 && readers.every((reader) => reader.emptyFromStart);
    if (emptyFromStart) ownersUntilMs = now() + settings.ownersWaitMs;
    return conditionOf({
      nowMs: now(),
      trouble,
      nodesDiffer: audit.nodesDiffer,
      held: readers.flatMap((reader) => reader.held() ?? []),
      emptyFromStart,
      ownersUntilMs,
    });
  };

  const failed = (trouble: Trouble): void => {
    loop.failed();
    roundDueMs = -Infinity;
    // A server of another kind may come back at this address.
    if (trouble.kind === 'failed') {
      revisionsForgotten = true;
      if (trouble.failure.code === 'unreachable') capabilities = undefined;
    }
    say(conditionNow(trouble));
  };

  const sweepCount = (): number => {
    if (!whole) return 0;
    const rate = audit.usesDump ? sweepPerSecond.withDump : sweepPerSecond.withoutDump;
    const count = Math.floor(((now() - sweptAtMs) / 1_000) * rate);
    if (count > 0) sweptAtMs = now();
    return Math.min(count, rate * 2);
  };

  const loop = createRoundLoop({ ...parts, pollMinMs: settings.pollMinMs, round });

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
      await auditing;
    },
    wake: () => loop.wake(),
    interrupted() {
      continuity = interrupted(continuity);
      revisionsForgotten = true;
    },
    answered() {
      continuity = answered(continuity, now());
    },
    knows: (tenant, serviceId) => readerOf(tenant)?.view.entryOf(serviceId) !== undefined,
    lacks(tenant, serviceId, instanceId) {
      const reader = readerOf(tenant);
      if (!whole || reader === undefined) return false;
      const entry = reader.view.entryOf(serviceId);
      return entry !== undefined && !entry.instances.has(`${serviceId}/${instanceId}`);
    },
    get capabilities() {
      return capabilities;
    },
    get roundMs() {
      return loop.roundMs;
    },
    get intervalMs() {
      return loop.intervalMs;
    },
    get findings() {
      return audit.findings;
    },
  };
}

function sameTenant(left: Tenant, right: Tenant): boolean {
  return left.domain === right.domain && left.project === right.project;
}

function clamp(value: number, bounds: { shortest: number; longest: number }): number {
  return Math.min(bounds.longest, Math.max(bounds.shortest, value));
}
