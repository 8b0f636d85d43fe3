// Who has which address in a service. At a Nacos, what one client registers over HTTP in a service is
// known by its address alone: a second registration there replaces the first, whoever wrote it, and a
// removal takes whatever is there (README.md, "Transparent"). So a copy is written only to an address
// that is free or its own; where it is taken, the copy stands aside, out of consumers' sight.

import { sleep, type Clock } from '../../support/clock.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { Outcome, Trouble } from '../common/trouble.ts';
import { conflict, done, failedBy, tooLarge, type Failed } from '../common/write-failure.ts';
import type { WriteResult } from '../driver.ts';
import type { NacosApi } from './api.ts';
import { comeForward, idOf, sameRegistration, stampIn, standsAside } from './codec.ts';
import { isAside, sameAddress } from './endpoints.ts';
import type { RecentWrites } from './recent-writes.ts';
import type { Address, NacosInstance, ServicePlace } from './wire.ts';

/** A copy that is to be written. */
interface Settlement {
  /** At its own address. */
  readonly wanted: NacosInstance;
  /** The same where nobody dials. */
  readonly aside: NacosInstance;
  /** As it is now. */
  readonly there: NacosInstance | undefined;
}

export interface AddressBook {
  /** Instances of the service: as listed, with what we wrote since. */
  list(place: ServicePlace, signal: AbortSignal): Promise<Outcome<readonly NacosInstance[]>>;
  /** The same from the server's list alone, once that shows all that we wrote. */
  shown(place: ServicePlace, signal: AbortSignal): Promise<Outcome<readonly NacosInstance[]>>;
  /** Registers a copy where it may stand, and takes it away from where it stood before. */
  settle(settlement: Settlement, signal: AbortSignal): Promise<WriteResult<void>>;
  /** Takes a copy away; one that stands aside for its address takes it over without a gap. */
  leave(
    copy: NacosInstance,
    list: readonly NacosInstance[],
    signal: AbortSignal,
  ): Promise<WriteResult<void>>;
  /** Lets a copy that stands aside take its address, if that is free now. */
  advance(place: ServicePlace, id: string, signal: AbortSignal): Promise<WriteResult<void>>;
}

/** A list that is to show a write is read again after this. */
const lookAgainMs = 50;

export interface AddressBookParts {
  readonly api: NacosApi;
  readonly recent: RecentWrites;
  readonly lock: KeyedLock;
  readonly clock: Clock;
}

/** Gives the book. */
export function createAddressBook(parts: AddressBookParts): AddressBook {
  const { api, recent, lock, clock } = parts;
  const alone = <T>(place: ServicePlace, { ip, port }: Address, work: () => Promise<T>) =>
    lock.run(JSON.stringify([place.project, place.group, place.name, ip, port]), work);

  /** The cluster of what is registered over HTTP at an address now; `undefined`: nothing is. */
  const holderAt = async (
    target: ServicePlace & Address,
    signal: AbortSignal,
  ): Promise<Outcome<string | undefined>> => {
    const found = await api.publications(target.project, target, signal);
    if (!found.ok) return found;
    const { group, name } = target;
    const here = found.value.find((each) => each.group === group && each.name === name);
    return { ok: true, value: here?.cluster };
  };

  const list: AddressBook['list'] = async (place, signal) => {
    const listed = await api.service(place, { signal });
    return listed.ok ? { ok: true, value: recent.over(place, listed.value) } : listed;
  };

  /** Whether a copy may be registered at its address. */
  const mayStand = async (
    { wanted, there }: Pick<Settlement, 'wanted' | 'there'>,
    signal: AbortSignal,
  ): Promise<Outcome<boolean>> => {
    const holder = await holderAt(wanted, signal);
    if (!holder.ok) return holder;
    if (holder.value === undefined) return { ok: true, value: true };
    if (holder.value !== wanted.cluster) return { ok: true, value: false };
    if (there !== undefined && sameAddress(there, wanted)) return { ok: true, value: true };
    const all = await list(wanted, signal);
    if (!all.ok) return all;
    const occupant = all.value.find((each) => sameAddress(each, wanted));
    return { ok: true, value: occupant !== undefined && idOf(occupant) === idOf(wanted) };
  };

  const register = async (
    instance: NacosInstance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const written = await api.register(instance, signal);
    if (!written.ok) return registrationFailed(written.trouble, `register ${idOf(instance)}`);
    recent.registered(instance);
    return done;
  };

  const deregister = async (
    instance: NacosInstance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const removed = await api.deregister(instance, signal);
    if (!removed.ok) return failedBy(removed.trouble, `remove ${idOf(instance)}`);
    recent.removed(instance);
    return done;
  };

  const leave: AddressBook['leave'] = (copy, all, signal) =>
    alone(copy, copy, async () => {
      const holder = await holderAt(copy, signal);
      if (!holder.ok) return failedBy(holder.trouble, `look for ${idOf(copy)}`);
      // Nobody's, or an application's by now: the copy is gone already.
      if (holder.value !== copy.cluster) return done;
      const heir = all.find((each) => isHeir(each, copy));
      if (heir === undefined) return deregister(copy, signal);
      const taken = await register(comeForward(heir), signal);
      return taken.ok ? deregister(heir, signal) : taken;
    });

  return {
    list,
    leave,

    async shown(place, signal) {
      for (;;) {
        const listed = await api.service(place, { signal });
        if (!listed.ok || recent.shownBy(place, listed.value)) return listed;
        await sleep(clock, lookAgainMs, signal);
      }
    },

    async settle({ wanted, aside, there }, signal) {
      const written = await alone(wanted, wanted, async (): Promise<WriteResult<NacosInstance>> => {
        const free = await mayStand({ wanted, there }, signal);
        if (!free.ok) return failedBy(free.trouble, `look for the address of ${idOf(wanted)}`);
        const target = free.value ? wanted : aside;
        // Equal content: the lease is all that is to be renewed.
        if (there !== undefined && sameRegistration(there, target)) {
          const renewed = await api.renew(there, signal);
          if (!renewed.ok) return failedBy(renewed.trouble, `renew ${idOf(there)}`);
          if (renewed.value) return { ok: true, value: target };
        }
        const registered = await register(target, signal);
        return registered.ok ? { ok: true, value: target } : registered;
      });
      if (!written.ok) return written;
      if (there === undefined || sameAddress(there, written.value)) return done;
      const all = await list(there, signal);
      if (!all.ok) return failedBy(all.trouble, `read ${there.name}`);
      return leave(there, all.value, signal);
    },

    async advance(place, id, signal) {
      const all = await list(place, signal);
      if (!all.ok) return failedBy(all.trouble, `read ${place.name}`);
      const there = all.value.find((each) => idOf(each) === id);
      if (there === undefined || !standsAside(there)) return done;
      const wanted = comeForward(there);
      return alone(wanted, wanted, async () => {
        const free = await mayStand({ wanted, there }, signal);
        if (!free.ok) return failedBy(free.trouble, `look for the address of ${id}`);
        if (!free.value) return done;
        const taken = await register(wanted, signal);
        return taken.ok ? deregister(there, signal) : taken;
      });
    },
  };
}

/** True for a copy of the same origin that stands aside because `copy` has its address. */
function isHeir(each: NacosInstance, copy: NacosInstance): boolean {
  if (isAside(copy) || !standsAside(each) || idOf(each) === idOf(copy)) return false;
  const sameOrigin = stampIn(each)?.originCluster === stampIn(copy)?.originCluster;
  return sameOrigin && sameAddress(comeForward(each), copy);
}

/** A service whose applications are persistent takes no copies, which must end by themselves. */
function registrationFailed(trouble: Trouble, what: string): Failed {
  if (trouble.kind === 'refused') {
    const { message } = trouble;
    if (message.includes("can't register ephemeral instance"))
      return conflict(`${what}: ${message}`);
    if (message.includes("'Metadata' is illegal")) return tooLarge(`${what}: ${message}`);
  }
  return failedBy(trouble, what);
}
