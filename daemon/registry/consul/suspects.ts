// Something changed in Consul and nothing says what (peers.md §4, "Blocking"): the services that it may
// have been are found out. One answer says where all instances stand; where it cannot be had, or would be
// too large, services are asked for their index one by one.

import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { Trouble } from '../common/trouble.ts';
import type { ConsulApi } from './api.ts';
import { takeCensus } from './census.ts';
import type { Mirror } from './mirror.ts';

/**
 * Instances up to which their standing is asked for in one answer, some 400 bytes each. Raising it finds
 * changes in a larger registry sooner, and holds this process longer to read that answer (0.2 s here).
 */
const censusInstances = 30_000;
/** A server that refuses that answer is asked for it again after so long. */
const censusPauseMs = 600_000;
/** A service with no more instances is read at once: asking for its index costs as much. */
const smallService = 4;
/** The search through everything, or through services with natives, may take a fifth of the time, */
const nativeCostFactor = 4;
/** and that through those that hold nothing but copies, whose changes are our own as a rule, a twentieth. */
const copiedCostFactor = 19;
/** Longest time between two such searches. Raising it spares a large registry, and shows changes later. */
const longestPauseMs = 5_000;

export interface Suspects {
  /** Something changed, and it may be any service; `index` is that of what showed it. */
  raise(index: number): void;
  /** Everything was read. */
  clear(): void;
  /** Finds and reads what changed, as far as it is time to; asks to be called again when it is. */
  search(): Promise<Trouble | undefined>;
  stop(): void;
  /** How changes are found, for people. */
  readonly way: string;
}

export interface SuspectsParts {
  readonly api: Pick<ConsulApi, 'standings' | 'serviceIndex'>;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Services asked at a time. */
  readonly parallel: number;
  /** Every name that may have changed. */
  names(): ReadonlySet<string>;
  read(names: ReadonlySet<string>): Promise<Trouble | undefined>;
  /** A search begins now. */
  begins(): void;
  wake(): void;
}

/** A search through the services that it takes. */
interface Search {
  readonly takes: (name: string) => boolean;
  readonly costFactor: number;
  doubt: boolean;
  dueMs: number;
}

const unasked = { doubt: false, dueMs: -Infinity };

/** Gives the search; nothing is asked before `search`. */
export function createSuspects(parts: SuspectsParts): Suspects {
  const { api, mirror, clock, logger } = parts;
  const now = (): number => clock.monotonicMs();
  const all: Search = { ...unasked, takes: () => true, costFactor: nativeCostFactor };
  const sweeps: readonly Search[] = [
    { ...unasked, takes: (name) => mirror.isNative(name), costFactor: nativeCostFactor },
    { ...unasked, takes: (name) => !mirror.isNative(name), costFactor: copiedCostFactor },
  ];
  const searches = [all, ...sweeps];
  /** Index of what showed that something changed: an answer from before it does not show it. */
  let shownBy = 0;
  let refusedUntilMs = -Infinity;
  let timer: Timer | undefined;

  const byCensus = (): boolean => now() >= refusedUntilMs && mirror.size <= censusInstances;

  /** Searches by where all instances stand. */
  const census = async (): Promise<Trouble | undefined> => {
    const answer = await api.standings();
    if (answer.ok) {
      const found = takeCensus(answer.value.value);
      const changed = new Set<string>();
      for (const name of parts.names()) {
        if ((found.get(name) ?? '') !== mirror.standingOf(name)) changed.add(name);
      }
      all.doubt = answer.value.index < shownBy;
      return parts.read(changed);
    }
    const { trouble } = answer;
    if (trouble.kind === 'failed' && trouble.failure.code === 'unreachable') return trouble;
    const detail = trouble.kind === 'failed' ? trouble.failure.detail : trouble.message;
    logger.info(
      { detail },
      'no answer says where all instances stand: services are asked one by one',
    );
    refusedUntilMs = now() + censusPauseMs;
    all.doubt = false;
    for (const each of sweeps) each.doubt = true;
    return undefined;
  };

  /** Searches service by service, by their index. */
  const sweep = async ({ takes }: Search): Promise<Trouble | undefined> => {
    const changed = new Set<string>();
    let trouble: Trouble | undefined;
    const names = [...parts.names()].filter(takes);
    await eachLimited(names, parts.parallel, async (name) => {
      if (trouble !== undefined) return;
      if (mirror.sizeOf(name) <= smallService) {
        changed.add(name);
        return;
      }
      const index = await api.serviceIndex(name);
      if (!index.ok) trouble = index.trouble;
      else if (index.value !== mirror.indexOf(name)) changed.add(name);
    });
    return trouble ?? parts.read(changed);
  };

  const tried = async (each: Search): Promise<Trouble | undefined> => {
    if (!each.doubt || now() < each.dueMs) return undefined;
    parts.begins();
    each.doubt = false;
    const beganMs = now();
    const trouble = await (each === all ? census() : sweep(each));
    // What was not found out is still to be.
    if (trouble !== undefined) each.doubt = true;
    const pauseMs = (now() - beganMs) * each.costFactor;
    each.dueMs = now() + Math.min(longestPauseMs, pauseMs);
    return trouble;
  };

  return {
    raise(index) {
      shownBy = Math.max(shownBy, index);
      for (const each of byCensus() ? [all] : sweeps) each.doubt = true;
    },
    clear() {
      shownBy = 0;
      for (const each of searches) each.doubt = false;
    },
    async search() {
      timer?.cancel();
      for (const each of searches) {
        const trouble = await tried(each);
        if (trouble !== undefined) return trouble;
      }
      const nextMs = Math.min(...searches.map(({ doubt, dueMs }) => (doubt ? dueMs : Infinity)));
      if (nextMs < Infinity) timer = clock.after(Math.max(0, nextMs - now()), () => parts.wake());
      return undefined;
    },
    stop: () => timer?.cancel(),
    get way() {
      return byCensus() ? 'one answer of all nodes' : 'service by service';
    },
  };
}
