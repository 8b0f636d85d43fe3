// What we wrote a moment ago: a server's lists show it half a second later (README.md, "Reading"), and
// until then our own word counts.

import type { Clock } from '../../support/clock.ts';
import { idOf, sameRegistration } from './codec.ts';
import { sameAddress } from './endpoints.ts';
import type { Address, NacosInstance, ServicePlace } from './wire.ts';

/** Lists that are slower than this are believed. Raising it trusts our own memory longer. */
const keptMs = 3_000;

interface Write {
  readonly place: ServicePlace;
  readonly address: Address;
  /** `undefined`: taken away. */
  readonly instance: NacosInstance | undefined;
  readonly atMs: number;
}

export interface RecentWrites {
  registered(instance: NacosInstance): void;
  removed(target: ServicePlace & Address): void;
  /** Gives what a service's list says together with what was written since. */
  over(place: ServicePlace, listed: readonly NacosInstance[]): readonly NacosInstance[];
  /** True when the list shows all that was written in this service. */
  shownBy(place: ServicePlace, listed: readonly NacosInstance[]): boolean;
  /** What was written under this id. */
  byId(place: ServicePlace, id: string): NacosInstance | undefined;
}

/** Gives the memory. */
export function createRecentWrites(clock: Clock): RecentWrites {
  /** In the order of writing: the oldest first. */
  const writes = new Map<string, Write>();

  const add = (
    { project, group, name, ip, port }: ServicePlace & Address,
    instance: NacosInstance | undefined,
  ): void => {
    const place = { project, group, name };
    const key = [project, group, name, ip, String(port)].join('\n');
    writes.delete(key);
    writes.set(key, { place, address: { ip, port }, instance, atMs: clock.monotonicMs() });
    forgetOld();
  };
  const forgetOld = (): void => {
    const nowMs = clock.monotonicMs();
    for (const [key, { atMs }] of writes) {
      if (nowMs - atMs < keptMs) break;
      writes.delete(key);
    }
  };
  const inService = (place: ServicePlace): readonly Write[] => {
    forgetOld();
    return [...writes.values()].filter((write) => samePlace(write.place, place));
  };

  return {
    registered: (instance) => add(instance, instance),
    removed: (target) => add(target, undefined),
    over(place, listed) {
      const recent = inService(place);
      const rest = listed.filter(
        (each) => !recent.some(({ address }) => sameAddress(address, each)),
      );
      return [...rest, ...recent.flatMap(({ instance }) => instance ?? [])];
    },
    shownBy(place, listed) {
      return inService(place).every(({ address, instance }) => {
        const found = listed.find((each) => sameAddress(each, address));
        if (instance === undefined) return found === undefined;
        return found !== undefined && sameRegistration(found, instance);
      });
    },
    byId: (place, id) =>
      inService(place)
        .flatMap(({ instance }) => instance ?? [])
        .findLast((instance) => idOf(instance) === id),
  };
}

function samePlace(left: ServicePlace, right: ServicePlace): boolean {
  return left.name === right.name && left.group === right.group && left.project === right.project;
}
