// Writes copies of instances, and never anything else: what carries no stamp, another origin's stamp,
// or a newer epoch stays as it is. Each write names the index of what it replaces, so that Consul itself
// refuses it where somebody else was there first.

import { leaseSecondsOf, type Instance, type ServiceKey } from '../../model/service.ts';
import { readInstanceStamp, type InstanceStamp } from '../../model/stamp.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import type { Outcome, Trouble } from '../common/trouble.ts';
import { done, notOurs, tooLarge, type Failed } from '../common/write-failure.ts';
import type { InstanceRef, RegistryDriver, WriteResult } from '../driver.ts';
import { quoted, type ConsulApi } from './api.ts';
import {
  contentText,
  decodeInstance,
  encodeInstance,
  entryIdOf,
  normaliseInstance,
  stampIn,
} from './codec.ts';
import type { LeaseSweeper } from './lease-sweeper.ts';
import { contentKeys, mostPairs, textIn } from './metadata.ts';
import type { Entry, Mirror } from './mirror.ts';
import type { OwnNode } from './own-node.ts';
import type { OwnWrites } from './own-writes.ts';
import { consulFailure, refusalOf } from './refusal.ts';
import { parseServiceId, type Identity } from './service-id.ts';
import type { Operation } from './transaction-wire.ts';
import type { Transactions } from './transactions.ts';
import { hash52 } from '../../support/hash.ts';

/**
 * Largest registration, bytes. Consul takes twice as much; but each consumer of the service reads all of
 * it. Raising it lets larger copies in, at the cost of every consumer.
 */
const longestRegistration = 16 * 1024;
/** Longest host name that DNS knows. */
const longestHostName = 253;
/** Leases in one call of the caller: four transactions of reads. */
export const renewBatch = 500;
/** Entries asked for in one transaction: Consul takes 128 operations. */
const askedAtOnce = 125;
/** A write that somebody else overtakes so often in a row is given up; the caller tries again. */
const mostAttempts = 4;

export type InstanceWriter = Pick<
  RegistryDriver,
  'putInstance' | 'removeInstance' | 'renew' | 'readInstance'
>;

export interface InstanceWriterParts {
  readonly api: ConsulApi;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  readonly transactions: Transactions;
  readonly node: OwnNode;
  readonly sweeper: LeaseSweeper;
  readonly ownWrites: OwnWrites;
  /** Something was written to the service of this name. */
  wrote(name: string): void;
  /** The feed's view is whole and of this moment: what it does not know is not there. */
  isAnswering(): boolean;
}

/** What stands where a copy is to be written or removed. */
type Standing = Pick<
  Entry,
  'node' | 'id' | 'name' | 'hash' | 'content' | 'stamp' | 'modifyIndex' | 'serviceId' | 'instanceId'
>;

/** Gives the writer. */
export function createInstanceWriter(parts: InstanceWriterParts): InstanceWriter {
  const { api, mirror, catalogue, lock, transactions, node, sweeper, ownWrites } = parts;

  /** As the leader has it now. */
  const readFresh = async (
    identity: Identity,
    ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>,
    signal: AbortSignal,
  ): Promise<Outcome<{ readonly instance: Instance; readonly standing: Standing } | undefined>> => {
    const filter = filterFor(ref);
    const answer = await api.service(identity.name, { filter, consistent: true, signal });
    if (!answer.ok) return answer;
    const all = answer.value.value.flatMap((from) => {
      const instance = decodeInstance(from);
      if (instance.instanceId !== ref.instanceId || instance.serviceId !== ref.serviceId) return [];
      const standing: Standing = {
        node: from.node,
        id: from.id,
        name: from.name,
        serviceId: instance.serviceId,
        instanceId: instance.instanceId,
        hash: hash52(contentText(instance)),
        content: textIn(from.meta, contentKeys.service),
        stamp: stampIn(from),
        modifyIndex: from.modifyIndex,
      };
      return [{ instance, standing }];
    });
    // An application's own goes before a copy of the same id.
    const native = all.find(({ standing }) => standing.stamp === undefined);
    return { ok: true, value: native ?? all[0] };
  };

  /** What the feed has shown where that is enough, and otherwise what the leader has. */
  const find = async (
    identity: Identity,
    ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>,
    fresh: boolean,
    signal: AbortSignal,
  ): Promise<Outcome<Standing | undefined>> => {
    if (!fresh && parts.isAnswering() && ownWrites.isShown(ref)) {
      const entry = mirror.entry(ref.serviceId, ref.instanceId);
      if (entry?.listed !== false) return { ok: true, value: entry };
    }
    const found = await readFresh(identity, ref, signal);
    return found.ok ? { ok: true, value: found.value?.standing } : found;
  };

  const put = async (
    copy: Instance,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const stamp = stampOf(copy);
    const content = catalogue.contentTextOf(copy.serviceId);
    const operations = operationsFor(node.name, copy, identity, content);
    if ('failure' in operations) return operations;
    const hash = hash52(contentText(normaliseInstance(copy)));
    const aim = `register ${copy.instanceId}`;
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const found = await find(identity, copy, attempt > 0, signal);
      if (!found.ok) return consulFailure(found.trouble, `read ${copy.instanceId}`);
      const there = found.value;
      if (there !== undefined) {
        const owner = ownerOf(there, stamp, node.name);
        if (owner !== undefined) return owner;
        if (there.hash === hash && there.content === content) return done;
      }
      const written = await transactions.submit(operations.at(there?.modifyIndex ?? 0), signal);
      if (!written.ok) return consulFailure(written.trouble, aim);
      if (written.value.done) {
        const index = written.value.found.get(entryIdOf(copy.serviceId, copy.instanceId)) ?? 0;
        ownWrites.wrote(copy, index);
        parts.wrote(identity.name);
        return done;
      }
      const refusal = refusalOf(written.value.what, aim);
      if (refusal.kind === 'failed') return refusal.failed;
    }
    return overtaken(aim);
  };

  const remove = async (
    ref: InstanceRef,
    identity: Identity,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const aim = `remove ${ref.instanceId}`;
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const found = await find(identity, ref, attempt > 0, signal);
      if (!found.ok) return consulFailure(found.trouble, `read ${ref.instanceId}`);
      const there = found.value;
      if (there === undefined) return done;
      if (there.stamp === undefined) {
        return notOurs(`${ref.instanceId} was registered by an application`);
      }
      if (there.stamp.originCluster !== originCluster)
        return copyOfAnother(there.instanceId, there.stamp);
      if (there.node !== node.name) return onAnotherNode(there, node.name);
      const removed = await transactions.submit([deletion(there)], signal);
      if (!removed.ok) return consulFailure(removed.trouble, aim);
      if (removed.value.done) {
        ownWrites.removed(ref, there.modifyIndex);
        parts.wrote(identity.name);
        return done;
      }
      const refusal = refusalOf(removed.value.what, aim);
      if (refusal.kind === 'failed') return refusal.failed;
    }
    return overtaken(aim);
  };

  /** Gives those of `refs` that the registry does not have. */
  const missingOf = async (
    refs: readonly InstanceRef[],
    signal: AbortSignal,
  ): Promise<Outcome<readonly InstanceRef[]>> => {
    const missing: InstanceRef[] = [];
    let trouble: Trouble | undefined;
    const chunks = Array.from({ length: Math.ceil(refs.length / askedAtOnce) }, (_, index) =>
      refs.slice(index * askedAtOnce, (index + 1) * askedAtOnce),
    );
    await eachLimited(chunks, 2, async (chunk) => {
      if (trouble !== undefined) return;
      const operations = chunk.map((ref): Operation => ({
        kind: 'get-service',
        node: node.name,
        id: entryIdOf(ref.serviceId, ref.instanceId),
      }));
      const answer = await api.transact(operations, signal);
      if (!answer.ok) {
        trouble = answer.trouble;
        return;
      }
      if (answer.value.done) return;
      for (const [at, what] of answer.value.errors) {
        const ref = chunk[at];
        if (ref !== undefined && what.includes("doesn't exist")) missing.push(ref);
        else trouble = { kind: 'refused', status: 409, code: '', message: what };
      }
    });
    return trouble === undefined ? { ok: true, value: missing } : { ok: false, trouble };
  };

  return {
    async putInstance(key, copy, signal) {
      stampOf(copy);
      signal.throwIfAborted();
      const identity = parseServiceId(copy.serviceId);
      if (identity === undefined || !sameKey(identity.key, key)) return serviceGone(copy);
      return lock.run(entryIdOf(copy.serviceId, copy.instanceId), async () => {
        const wanted = { ...copy, version: identity.key.version };
        const result = await put(wanted, identity, signal);
        if (result.ok) sweeper.kept(copy, leaseSecondsOf(copy) * 1_000);
        return result;
      });
    },

    async removeInstance(ref, originCluster, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return done;
      return lock.run(entryIdOf(ref.serviceId, ref.instanceId), () =>
        remove(ref, identity, originCluster, signal),
      );
    },

    async renew(refs, signal) {
      signal.throwIfAborted();
      const missing = await missingOf(refs, signal);
      if (!missing.ok) return consulFailure(missing.trouble, 'renew');
      const claimed = await node.claim(transactions, signal);
      if (!claimed.ok) return consulFailure(claimed.trouble, 'renew');
      const gone = new Set(missing.value);
      for (const ref of refs) if (!gone.has(ref)) sweeper.kept(ref, undefined);
      return { ok: true, value: { missing: missing.value } };
    },

    async readInstance(ref, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return { ok: true, value: undefined };
      const found = await readFresh(identity, ref, signal);
      return found.ok
        ? { ok: true, value: found.value?.instance }
        : consulFailure(found.trouble, `read ${ref.instanceId}`);
    },
  };
}

/** Gives the operation that takes out what stands there, if it is still that. */
export function deletion({ node, id, name, modifyIndex }: Standing): Operation {
  return { kind: 'delete-service', node, id, name, modifyIndex };
}

/** Gives the operations that write a copy over what has a given index, or why it cannot be written. */
function operationsFor(
  node: string,
  copy: Instance,
  identity: Identity,
  content: string | undefined,
): Failed | { readonly at: (modifyIndex: number) => readonly Operation[] } {
  const { instanceId, hostName } = copy;
  if (hostName.length > longestHostName) {
    const detail = `${instanceId}: the host name has ${hostName.length} characters, at most ${longestHostName} make a name`;
    return { ok: false, failure: { code: 'invalid', retry: false, detail } };
  }
  const registration = encodeInstance(copy, identity, content);
  const { meta, status, ...service } = registration;
  if (!meta.fits) {
    return tooLarge(
      `instance ${instanceId} takes ${meta.count} pairs of metadata, Consul has ${mostPairs}`,
    );
  }
  const put = (modifyIndex: number): Operation => ({
    kind: 'put-service',
    node,
    modifyIndex,
    service: { ...service, meta: meta.pairs },
  });
  const bytes = Buffer.byteLength(JSON.stringify(put(0)));
  if (bytes > longestRegistration) {
    return tooLarge(
      `instance ${instanceId} takes ${bytes} bytes, at most ${longestRegistration} are put on every consumer`,
    );
  }
  const checkId = `syncer:${service.id}`;
  // Without a check an instance counts as passing (peers.md §4).
  const check: Operation =
    status === 'UP'
      ? { kind: 'delete-check', node, id: checkId }
      : {
          kind: 'set-check',
          node,
          id: checkId,
          name: 'status at its origin',
          notes: `its origin says ${status}`,
          serviceId: service.id,
        };
  // A new one has no check to take away.
  return {
    at: (modifyIndex) =>
      modifyIndex === 0 && status === 'UP' ? [put(0)] : [put(modifyIndex), check],
  };
}

function stampOf(copy: Instance): InstanceStamp {
  const stamp = readInstanceStamp(copy.properties);
  if (stamp === undefined) throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
  return stamp;
}

/** Why what is there must not be replaced by a copy with this stamp; `undefined`: it may. */
function ownerOf(there: Standing, stamp: InstanceStamp, node: string): Failed | undefined {
  const { stamp: found, instanceId } = there;
  if (found === undefined) return notOurs(`${instanceId} was registered by an application`);
  if (
    found.originCluster !== stamp.originCluster ||
    found.originInstance !== stamp.originInstance
  ) {
    return copyOfAnother(instanceId, found);
  }
  if (there.node !== node) return onAnotherNode(there, node);
  if (found.epoch <= stamp.epoch) return undefined;
  const detail = `${instanceId} was written in epoch ${found.epoch}, ours is ${stamp.epoch}`;
  return { ok: false, failure: { code: 'fenced', retry: false, detail } };
}

function copyOfAnother(instanceId: string, stamp: InstanceStamp): Failed {
  return notOurs(`${instanceId} is the copy of ${stamp.originCluster}/${stamp.originInstance}`);
}

function onAnotherNode({ instanceId, node: found }: Standing, node: string): Failed {
  return notOurs(`${instanceId} stands on node ${found}, and ours is ${node}`);
}

function overtaken(aim: string): Failed {
  const detail = `${aim}: somebody else wrote it each time`;
  return { ok: false, failure: { code: 'server-error', retry: true, detail } };
}

function serviceGone({ serviceId }: Instance): Failed {
  const detail = `'${serviceId}' is no service of this registry`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}

/** The entries that can have this id: that of a copy, and that of an application on its node. */
function filterFor({
  serviceId,
  instanceId,
}: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string {
  const ours = `Service.ID == ${quoted(entryIdOf(serviceId, instanceId))}`;
  const at = instanceId.lastIndexOf('@');
  if (at < 1) return ours;
  const [id, host] = [instanceId.slice(0, at), instanceId.slice(at + 1)];
  return `${ours} or (Service.ID == ${quoted(id)} and Node.Node == ${quoted(host)})`;
}

function sameKey(left: ServiceKey, right: ServiceKey): boolean {
  return (
    left.domain === right.domain &&
    left.project === right.project &&
    left.environment === right.environment &&
    left.app === right.app &&
    left.name === right.name &&
    left.version === right.version
  );
}
