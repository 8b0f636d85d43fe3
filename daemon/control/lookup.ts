// `syncer-lookup`: which clusters hold this service or instance? Asked by a gossip query, because
// that reaches every cluster at once; what does not fit into its answer is fetched over RPC.
//
// Query payload: a replication LookupRequest; answer: a LookupResponse with as many records as fit,
// and the total. A serf query response may have 1,024 bytes in all (serf-wire.md, queries).

import {
  decodeInstance,
  decodeService,
  encodeInstance,
  encodeService,
} from '../model/record-codec.ts';
import { instanceRecordKey, serviceRecordKey } from '../model/records.ts';
import type { Instance, Service } from '../model/service.ts';
import type { LookupHit, SyncEngine } from '../sync/engine.ts';
import type { IncomingQuery } from '../gossip/pool.ts';
import {
  Kind,
  LookupRequest,
  LookupResponse,
  Record as LookupRecord,
} from '../../proto/gen/syncer/replication/v1/replication.ts';

export const lookupQuery = 'syncer-lookup';

/** What of an answer is left for us beside serf's own fields (id, node name, flags). */
const answerBudgetBytes = 800;

/** Gives the payload of the query. */
export function encodeLookup(service: string, instance: string): Uint8Array {
  return LookupRequest.encode({ service, instance, pageToken: '', pageSize: 0 }).finish();
}

/**
 * Answers one query from this cluster's export. Gives nothing for a payload that is no request, and
 * for a service that is not here: silence costs the asker less than fifty empty answers.
 */
export function answerLookup(
  engine: Pick<SyncEngine, 'lookup'>,
  query: IncomingQuery,
): Uint8Array | undefined {
  const request = parse(() => LookupRequest.decode(query.payload));
  if (request === undefined || request.service === '') return undefined;
  const records: LookupRecord[] = [];
  let total = 0;
  let bytes = 0;
  let fits = true;
  const hits = engine.lookup(
    request.service,
    request.instance === '' ? undefined : request.instance,
  );
  for (const hit of hits) {
    for (const record of recordsOf(hit)) {
      total += 1;
      // Tag and length take up to 4 bytes a record.
      bytes += LookupRecord.encode(record).finish().length + 4;
      // In order and without gaps: an instance is of no use without its service before it.
      fits &&= bytes <= answerBudgetBytes;
      if (fits) records.push(record);
    }
  }
  if (total === 0) return undefined;
  return LookupResponse.encode({ records, nextPageToken: '', total }).finish();
}

/** Gives the response in an answer, or `undefined` for garbage. */
export function decodeAnswer(payload: Uint8Array): LookupResponse | undefined {
  return parse(() => LookupResponse.decode(payload));
}

/** Gives the services and instances in records; those that cannot be read are left out. */
export function hitsOf(records: readonly LookupRecord[]): readonly LookupHit[] {
  const services = new Map<string, { service: Service; instances: Instance[] }>();
  for (const record of records) {
    if (record.kind === Kind.SERVICE) {
      const service = parse(() => decodeService(record.payload));
      if (service !== undefined) services.set(service.serviceId, { service, instances: [] });
    } else if (record.kind === Kind.INSTANCE) {
      const instance = parse(() => decodeInstance(record.payload));
      if (instance !== undefined) services.get(instance.serviceId)?.instances.push(instance);
    }
  }
  return [...services.values()];
}

/** A service without what makes it long, then its instances without their properties. */
function* recordsOf({ service, instances }: LookupHit): Generator<LookupRecord> {
  const brief: Service = {
    ...service,
    description: '',
    properties: {},
    tags: {},
    schemas: [],
    paths: [],
  };
  yield recordOf(Kind.SERVICE, serviceRecordKey(service), encodeService(brief));
  for (const instance of instances) {
    yield recordOf(
      Kind.INSTANCE,
      instanceRecordKey(instance),
      encodeInstance({ ...instance, properties: {} }),
    );
  }
}

function recordOf(kind: Kind, key: string, payload: Uint8Array): LookupRecord {
  return { kind, key, revision: 0, hash: 0, originTimeMs: 0, payload: Buffer.from(payload) };
}

function parse<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
