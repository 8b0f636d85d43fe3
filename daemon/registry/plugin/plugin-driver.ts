// A driver from outside as a `RegistryDriver`: its threads one after the other, its faults counted and
// named, what it removes guarded. It never throws for what a driver does.

import type { Instance } from '../../model/service.ts';
import { readInstanceStamp } from '../../model/stamp.ts';
import { backoff } from '../../support/backoff.ts';
import type { Timer } from '../../support/clock.ts';
import { conditionTeller } from '../common/condition-teller.ts';
import { conditionOf } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import type {
  DriverEnvironment,
  InstanceRef,
  RegistryChange,
  RegistryCondition,
  RegistryDriver,
  RegistryFacts,
  RegistryMemory,
  RegistryObserver,
  WriteResult,
} from '../driver.ts';
import type { CallName } from './border.ts';
import { applyContentRules } from './content-rules.ts';
import type { DriverDescription } from './definition.ts';
import { DriverThread, type DriverFault } from './driver-thread.ts';
import { usualLimits, type PluginLimits } from './limits.ts';
import type { DriverLocation } from './locate.ts';
import { createViewGuard } from './view-guard.ts';

/** Held removals are looked at this often. */
const lookEveryMs = 1_000;
/** Held instances read at a time. */
const parallel = 4;

export interface PluginDriverOptions {
  readonly location: DriverLocation;
  readonly description: DriverDescription;
  /** Values of its own options, checked. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly limits?: Partial<PluginLimits>;
}

/** Gives the driver; its thread begins at `start`, or with the first call. */
export function createPluginDriver(
  given: PluginDriverOptions,
  environment: DriverEnvironment,
): RegistryDriver {
  const { location, description } = given;
  const { kind } = description;
  const { clock } = environment;
  const limits = { ...usualLimits, ...given.limits };
  const logger = environment.logger.child({ part: kind });
  const guard = createViewGuard();
  const waits = backoff(
    { initialMs: limits.restartMs, maxMs: limits.longestRestartMs, factor: 2 },
    environment.random,
  );
  let thread: DriverThread | undefined;
  let observer: RegistryObserver | undefined;
  let memory: RegistryMemory | undefined;
  /** The whole view was told once. */
  let told = false;
  let said: RegistryCondition = starting;
  let unknownSinceMs: number | undefined;
  let facts: RegistryFacts | undefined;
  let faults = 0;
  let lastFault: DriverFault | undefined;
  let bornMs = 0;
  let restart: Timer | undefined;
  let look: Timer | undefined;
  let confirming: Promise<void> | undefined;
  let stopped = false;

  const say = conditionTeller(
    (condition) => observer?.condition(condition),
    () => facts?.address ?? location.wanted,
    logger,
  );
  const sayNow = (): void => {
    const held = guard.held();
    if (said.state === 'unknown' || held === undefined) say(said);
    else {
      const now = { nowMs: clock.monotonicMs(), trouble: undefined, nodesDiffer: undefined };
      say(conditionOf({ ...now, held: [held], emptyFromStart: false, ownersUntilMs: undefined }));
    }
  };
  const become = (condition: RegistryCondition): void => {
    if (condition.state === 'answering') unknownSinceMs = undefined;
    else unknownSinceMs ??= clock.monotonicMs();
    said = condition;
    sayNow();
  };
  const note = (fault: DriverFault): void => {
    faults += 1;
    lastFault = fault;
    logger.warn({ fault: fault.code, driver: location.wanted }, `driver fault: ${fault.detail}`);
  };
  const tell = (change: RegistryChange): void => {
    const something =
      change.services.length +
        change.instances.length +
        change.removedInstances.length +
        change.removedServices.length >
      0;
    if (!told || something) observer?.changed(change);
    told = true;
  };

  const live = (): DriverThread => {
    bornMs = clock.monotonicMs();
    unknownSinceMs = bornMs;
    const settings = { url: location.url, options: given.options };
    const born = new DriverThread(settings, {
      clock,
      logger,
      limits,
      events: {
        made: () => undefined,
        changed(change, whole) {
          const nowMs = clock.monotonicMs();
          tell(guard.take(change, { nowMs, whole, unknownSinceMs }));
          sayNow();
        },
        condition: become,
        facts(next) {
          facts = next;
        },
        fault: note,
        ended(fault) {
          if (thread === born) thread = undefined;
          note(fault);
          if (stopped) return;
          if (clock.monotonicMs() - bornMs > limits.calmMs) waits.reset();
          const waitMs = waits.nextMs();
          const again = `begun anew in ${Math.ceil(waitMs / 1_000)} s`;
          const detail = `driver '${location.wanted}' ${fault.code}: ${fault.detail}; ${again}`;
          become({ state: 'unknown', reason: 'driver-fault', detail });
          restart = clock.after(waitMs, begin);
        },
      },
    });
    return born;
  };
  const begin = (): void => {
    if (stopped || thread !== undefined) return;
    thread = live();
    if (observer !== undefined) thread.start(told ? { known: guard.size } : memory);
  };

  const call = async <T>(
    method: CallName,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<WriteResult<T>> => {
    signal.throwIfAborted();
    if (thread === undefined) {
      const why = lastFault === undefined ? '' : `: ${lastFault.code}: ${lastFault.detail}`;
      const detail = `driver '${location.wanted}' is not running${why}`;
      return { ok: false, failure: { code: 'unreachable', retry: true, detail } };
    }
    return thread.call(method, args, signal);
  };
  /** An answer about something else than was asked is none. */
  const wrongAnswer = <T>(detail: string): WriteResult<T> => {
    note({ code: 'garbage', detail });
    return { ok: false, failure: { code: 'server-error', retry: true, detail } };
  };

  const readInstance: RegistryDriver['readInstance'] = async (ref, signal) => {
    const result = await call<Instance | undefined>('readInstance', [ref], signal);
    if (!result.ok || result.value === undefined) return result;
    return result.value.instanceId === ref.instanceId && result.value.serviceId === ref.serviceId
      ? result
      : wrongAnswer(
          `readInstance was asked for ${ref.instanceId}, gave ${result.value.instanceId}`,
        );
  };

  const confirm = async (refs: readonly InstanceRef[]): Promise<void> => {
    const absent: InstanceRef[] = [];
    let present = 0;
    await eachLimited(refs, parallel, async (ref) => {
      const read = await readInstance(ref, AbortSignal.timeout(2 * limits.callMs));
      if (!read.ok) return;
      if (read.value === undefined) absent.push(ref);
      else {
        guard.refuted(ref);
        present += 1;
      }
    });
    if (stopped) return;
    const removed = guard.confirmed(absent, clock.monotonicMs());
    tell({ services: [], instances: [], ...removed, seenAtMs: clock.nowMs() });
    if (present > 0) {
      const detail = `it left out ${present} instances that it gives when asked for them`;
      thread?.fail({ code: 'contradiction', detail });
    }
    sayNow();
  };
  const lookAtHeld = (): void => {
    look = clock.after(lookEveryMs, () => {
      const due = said.state === 'answering' ? guard.due(clock.monotonicMs()) : [];
      if (guard.held() !== undefined && said.state === 'answering' && confirming === undefined) {
        confirming = confirm(due)
          .catch((error: unknown) => logger.error({ err: error }, 'a look at held removals broke'))
          .finally(() => {
            confirming = undefined;
          });
      }
      lookAtHeld();
    });
  };

  return {
    kind,
    renewBatchSize: description.renewBatchSize,
    facts: () => ({
      kind,
      address: facts?.address ?? location.wanted,
      version: facts?.version ?? 'unknown',
      findings: {
        ...facts?.findings,
        driver: `${description.title.en} ${description.version}`,
        'driver-faults': String(faults),
        ...(lastFault === undefined
          ? {}
          : { 'driver-last-fault': `${lastFault.code}: ${lastFault.detail}` }),
      },
      roundMs: facts?.roundMs,
      intervalMs: facts?.intervalMs,
    }),
    start(watching, knew) {
      observer = watching;
      memory = knew;
      become(starting);
      begin();
      lookAtHeld();
    },
    async stop() {
      stopped = true;
      observer = undefined;
      restart?.cancel();
      look?.cancel();
      await thread?.stop();
      thread = undefined;
      await confirming;
    },
    wake: () => thread?.wake(),
    normalise: (instance) => applyContentRules(instance, description.content),
    readInstance,
    ensureService: (service, origin, signal) => call('ensureService', [service, origin], signal),
    updateService: (service, origin, signal) => call('updateService', [service, origin], signal),
    releaseService: (ref, signal) => call('releaseService', [ref], signal),
    removeService: (ref, signal) => call('removeService', [ref], signal),
    async putInstance(key, copy, signal) {
      if (readInstanceStamp(copy.properties) === undefined) {
        throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
      }
      return call('putInstance', [key, copy], signal);
    },
    removeInstance: (ref, origin, signal) => call('removeInstance', [ref, origin], signal),
    async renew(refs, signal) {
      const result = await call<{ missing: readonly InstanceRef[] }>('renew', [refs], signal);
      if (!result.ok) return result;
      const asked = new Set(refs.map(keyOf));
      const stranger = result.value.missing.find((ref) => !asked.has(keyOf(ref)));
      return stranger === undefined
        ? result
        : wrongAnswer(`renew named ${stranger.instanceId} as missing, which it was not asked for`);
    },
  };
}

const starting: RegistryCondition = {
  state: 'unknown',
  reason: 'starting',
  detail: 'nothing was read yet',
};

function keyOf({ serviceId, instanceId }: InstanceRef): string {
  return `${serviceId}/${instanceId}`;
}
