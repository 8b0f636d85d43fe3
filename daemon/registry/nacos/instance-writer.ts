// Writes copies of instances, and never anything else: what carries no stamp, another origin's stamp,
// or a newer epoch stays as it is.

import { serviceKeyText, type Instance } from '../../model/service.ts';
import { readInstanceStamp, type InstanceStamp } from '../../model/stamp.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import type { Outcome, Trouble } from '../common/trouble.ts';
import { done, failedBy, notOurs, tooLarge, type Failed } from '../common/write-failure.ts';
import type { InstanceRef, RegistryDriver, WriteResult } from '../driver.ts';
import type { AddressBook } from './address-book.ts';
import type { NacosApi } from './api.ts';
import {
  decodeInstance,
  encodeInstance,
  idOf,
  metadataLimit,
  normaliseInstance,
  stampIn,
} from './codec.ts';
import { isAside } from './endpoints.ts';
import { contentKeys, lengthOf } from './metadata-keys.ts';
import type { Mirror } from './mirror.ts';
import type { RecentWrites } from './recent-writes.ts';
import { parseServiceId, type Identity } from './service-id.ts';
import type { NacosInstance } from './wire.ts';

/** Longest host name that DNS knows. */
const longestHostName = 253;
/** Instances renewed in one call of the caller: a second's work of a server. */
export const renewBatch = 200;
/** Renewals under way at once; there is one call for each. */
const renewParallel = 8;

type InstanceWriter = Pick<
  RegistryDriver,
  'putInstance' | 'removeInstance' | 'renew' | 'readInstance'
>;

export interface InstanceWriterParts {
  readonly api: NacosApi;
  readonly mirror: Mirror;
  readonly book: AddressBook;
  readonly recent: RecentWrites;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  /** The feed's view is whole: what it does not know is not there. */
  isWhole(): boolean;
}

/** Gives the writer. */
export function createInstanceWriter(parts: InstanceWriterParts): InstanceWriter {
  const { api, mirror, book, recent, catalogue } = parts;

  /** As it is there now; without a question where the view is whole and does not know it. */
  const find = async (
    { place }: Identity,
    id: string,
    signal: AbortSignal,
  ): Promise<Outcome<NacosInstance | undefined>> => {
    const written = recent.byId(place, id);
    if (written !== undefined) return { ok: true, value: written };
    if (parts.isWhole() && mirror.entry(place, id) === undefined) {
      return { ok: true, value: undefined };
    }
    const list = await book.list(place, signal);
    return list.ok ? { ok: true, value: byId(list.value, id) } : list;
  };

  const put = async (
    copy: Instance,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const { instanceId: id } = copy;
    const found = await find(identity, id, signal);
    if (!found.ok) return failedBy(found.trouble, `read ${id}`);
    const there = found.value;
    const owner = there === undefined ? undefined : ownerOf(there, stampOf(copy));
    if (owner !== undefined) return owner;
    const content = catalogue.contentOf(copy.serviceId);
    const wanted = encodeInstance(copy, identity, content);
    const invalid = invalidity(wanted, copy);
    if (invalid !== undefined) return invalid;
    const aside = encodeInstance(copy, identity, content, true);
    return book.settle({ wanted, aside, there }, signal);
  };

  return {
    async putInstance(key, copy, signal) {
      stampOf(copy);
      signal.throwIfAborted();
      const identity = parseServiceId(copy.serviceId);
      if (identity === undefined || serviceKeyText(identity.key) !== serviceKeyText(key)) {
        return serviceGone(copy);
      }
      const wanted = normaliseInstance({ ...copy, version: identity.key.version });
      return parts.lock.run(lockOf(identity, copy.instanceId), () => put(wanted, identity, signal));
    },

    async removeInstance(ref, originCluster, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return done;
      const { instanceId: id } = ref;
      return parts.lock.run(lockOf(identity, id), async () => {
        const list = await book.list(identity.place, signal);
        if (!list.ok) return failedBy(list.trouble, `read ${id}`);
        for (const there of list.value.filter((each) => idOf(each) === id)) {
          const stamp = stampIn(there);
          if (stamp === undefined) return notOurs(`${id} was registered by an application`);
          if (stamp.originCluster !== originCluster) {
            return notOurs(`${id} is the copy of ${stamp.originCluster}/${stamp.originInstance}`);
          }
          const removed = await book.leave(there, list.value, signal);
          if (!removed.ok) return removed;
        }
        return done;
      });
    },

    async renew(refs, signal) {
      signal.throwIfAborted();
      const missing: InstanceRef[] = [];
      let trouble: Trouble | undefined;
      await eachLimited(refs, renewParallel, async (ref) => {
        if (trouble !== undefined) return;
        const identity = parseServiceId(ref.serviceId);
        const target =
          identity === undefined
            ? undefined
            : (recent.byId(identity.place, ref.instanceId) ?? addressOf(mirror, ref));
        if (target === undefined) {
          missing.push(ref);
          return;
        }
        const renewed = await api.renew(target, signal);
        if (!renewed.ok) trouble = renewed.trouble;
        else if (!renewed.value) missing.push(ref);
        // What keeps it from its address is told when it is written; a renewal only tries.
        else if (isAside(target)) await book.advance(target, ref.instanceId, signal);
      });
      return trouble === undefined ? { ok: true, value: { missing } } : failedBy(trouble, 'renew');
    },

    async readInstance(ref, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return { ok: true, value: undefined };
      // As a consumer's call would show it: what was just written, once the list shows it.
      const list = await book.shown(identity.place, signal);
      if (!list.ok) return failedBy(list.trouble, `read ${ref.instanceId}`);
      const there = byId(list.value, ref.instanceId);
      const found = there === undefined ? undefined : decodeInstance(there);
      return { ok: true, value: found?.serviceId === ref.serviceId ? found : undefined };
    },
  };
}

function addressOf(mirror: Mirror, ref: InstanceRef) {
  const entry = mirror.entryOf(ref);
  // What no list names any more is registered again: its address may be an application's by now.
  if (entry?.from === undefined || !entry.listed) return undefined;
  return { ...entry.place, ...entry.address };
}

/** The one that consumers are told of, where a move has left two. */
function byId(list: readonly NacosInstance[], id: string): NacosInstance | undefined {
  const found = list.filter((each) => idOf(each) === id);
  return found.find(({ enabled }) => enabled) ?? found[0];
}

function lockOf({ place }: Identity, id: string): string {
  return JSON.stringify([place, id]);
}

function stampOf(copy: Instance): InstanceStamp {
  const stamp = readInstanceStamp(copy.properties);
  if (stamp === undefined) throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
  return stamp;
}

/** Why what is there must not be replaced by a copy with this stamp; `undefined`: it may. */
function ownerOf(there: NacosInstance, stamp: InstanceStamp): Failed | undefined {
  const id = idOf(there);
  const found = stampIn(there);
  if (found === undefined) return notOurs(`${id} was registered by an application`);
  if (
    found.originCluster !== stamp.originCluster ||
    found.originInstance !== stamp.originInstance
  ) {
    return notOurs(`${id} is the copy of ${found.originCluster}/${found.originInstance}`);
  }
  if (found.epoch <= stamp.epoch) return undefined;
  const detail = `${id} was written in epoch ${found.epoch}, ours is ${stamp.epoch}`;
  return { ok: false, failure: { code: 'fenced', retry: false, detail } };
}

function invalidity(wanted: NacosInstance, copy: Instance): Failed | undefined {
  const { instanceId, hostName } = copy;
  if (hostName.length > longestHostName) {
    const detail = `${instanceId}: the host name has ${hostName.length} characters, at most ${longestHostName} make a name`;
    return { ok: false, failure: { code: 'invalid', retry: false, detail } };
  }
  const { [contentKeys.service]: _content, ...own } = wanted.metadata;
  const length = lengthOf(own);
  if (length > metadataLimit) {
    return tooLarge(
      `instance ${instanceId} takes ${length} characters of metadata without its properties, ` +
        `a Nacos holds ${metadataLimit}`,
    );
  }
  return undefined;
}

function serviceGone({ serviceId }: Instance): Failed {
  const detail = `'${serviceId}' is no service of this registry`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}
