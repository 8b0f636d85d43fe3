// Mappings as etcd keeps them: under the original's keys for whoever comes from it or goes back
// (go-syncer.md §6), and complete under a prefix of our own, which is what we read.

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { MappingEntry, MappingFacts } from '../../proto/gen/syncer/mapping/v1/mapping.ts';
import type { EtcdWrite } from './etcd-kv.ts';
import type { MappingChange, MappingKey } from './operations.ts';
import type { Mapping } from './ports.ts';

export const originalPrefix = '/syncer/v1/mappings/';
/** Everything of ours that is not the original's. */
export const ownPrefix = '/servicecenter-syncer/v1/';
export const factsPrefix = `${ownPrefix}mappings/`;

/** The original's key. It knows no service: two instances of one id share it, the last one wins. */
export function originalKey({ cluster, originInstanceId }: MappingKey): string {
  return `${originalPrefix}${cluster.toWellFormed()}/${originInstanceId.toWellFormed()}`;
}

export function factsKey({ cluster, originServiceId, originInstanceId }: MappingKey): string {
  const parts = [cluster, originServiceId, originInstanceId];
  return factsPrefix + parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/');
}

/** Gives whose facts a key holds, `undefined` when it is none of ours. */
export function readFactsKey(key: string): MappingKey | undefined {
  const parts = key.slice(factsPrefix.length).split('/');
  if (!key.startsWith(factsPrefix) || parts.length !== 3) return undefined;
  try {
    const [cluster = '', originServiceId = '', originInstanceId = ''] =
      parts.map(decodeURIComponent);
    return { cluster, originServiceId, originInstanceId };
  } catch {
    return undefined;
  }
}

/** A transaction of etcd takes 128 writes; a mapping is two. */
export const mappingsPerCommit = 64;

/** Gives the writes of some changes, at most `mappingsPerCommit`, as one transaction takes them. */
export function changeWrites(changes: readonly MappingChange[]): readonly EtcdWrite[] {
  const writes = changes.flatMap((change) =>
    'put' in change ? putWrites(change.put) : deleteWrites(change.delete),
  );
  // etcd refuses a transaction that writes one key twice: the last write of each key remains.
  return [...new Map(writes.map((write) => [write.key, write])).values()];
}

/** Gives the writes that put a mapping: the original's and ours. */
function putWrites(mapping: Mapping): readonly EtcdWrite[] {
  const { original, facts } = encodePut(mapping);
  return [
    { type: 'put', key: factsKey(mapping), value: facts },
    { type: 'put', key: originalKey(mapping), value: original },
  ];
}

/** Kept from one mapping to the next: a writer of its own for each costs three times the encoding. */
const scratch = new BinaryWriter();
/** Field 1 of `MappingFacts`, length-delimited (proto/syncer/mapping/v1). */
const entryTag = 10;

function encodePut(mapping: Mapping): {
  readonly original: Uint8Array;
  readonly facts: Uint8Array;
} {
  const { hash, leaseSeconds } = mapping;
  try {
    const original = MappingEntry.encode(
      {
        clusterName: mapping.cluster.toWellFormed(),
        domainProject: `${mapping.domain.toWellFormed()}/${mapping.project.toWellFormed()}`,
        orgServiceId: mapping.originServiceId.toWellFormed(),
        orgInstanceId: mapping.originInstanceId.toWellFormed(),
        curServiceId: mapping.serviceId.toWellFormed(),
        curInstanceId: mapping.instanceId.toWellFormed(),
      },
      scratch,
    ).finish();
    // The entry is encoded once, and stands in ours as it is.
    scratch.uint32(entryTag).bytes(original);
    return {
      original,
      facts: MappingFacts.encode({ entry: undefined, hash, leaseSeconds }, scratch).finish(),
    };
  } finally {
    // A value that cannot be encoded leaves nothing behind for the next one.
    scratch.finish();
  }
}

function deleteWrites(key: MappingKey): readonly EtcdWrite[] {
  return [
    { type: 'delete', key: factsKey(key) },
    { type: 'delete', key: originalKey(key) },
  ];
}

/** Decodes a value of ours. Throws when it is none. */
export function readFacts(value: Uint8Array): Mapping {
  const { entry, hash, leaseSeconds } = MappingFacts.decode(value);
  if (entry === undefined) throw new Error('no mapping entry in it');
  return { ...fromEntry(entry), hash, leaseSeconds };
}

/** Decodes a value of the original's. Throws when it is none. */
export function readOriginal(value: Uint8Array): Mapping {
  const entry = MappingEntry.decode(value);
  if (entry.clusterName === '' || entry.orgInstanceId === '' || entry.curInstanceId === '') {
    throw new Error('cluster or instance ids are missing');
  }
  return { ...fromEntry(entry), hash: 0, leaseSeconds: 0 };
}

function fromEntry(entry: MappingEntry): Omit<Mapping, 'hash' | 'leaseSeconds'> {
  // A domain holds no slash (servicecenter-api.md §2); a project may be empty.
  const slash = entry.domainProject.indexOf('/');
  return {
    cluster: entry.clusterName,
    domain: slash < 0 ? entry.domainProject : entry.domainProject.slice(0, slash),
    project: slash < 0 ? '' : entry.domainProject.slice(slash + 1),
    originServiceId: entry.orgServiceId,
    originInstanceId: entry.orgInstanceId,
    serviceId: entry.curServiceId,
    instanceId: entry.curInstanceId,
  };
}
