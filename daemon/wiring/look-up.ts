// Look-ups between clusters: what replication is asked, from the export; what the control API asks,
// over replication.

import type {
  LookupRequest,
  LookupResponse,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import { instanceRecordKey, serviceRecordKey, type ExportRecord } from '../model/records.ts';
import type { LookupSource } from '../replication/lookup.ts';
import type { Replication } from '../replication/replication.ts';
import type { SyncEngine } from '../sync/engine.ts';

/** Gives the records of our export that a look-up asks for: each service, then its instances. */
export function lookupSource(engine: SyncEngine): LookupSource {
  return {
    find({ service, instance }) {
      const wanted = instance === '' ? undefined : instance;
      const found: ExportRecord[] = [];
      for (const hit of engine.lookup(service === '' ? '*' : service, wanted)) {
        const keys = [serviceRecordKey(hit.service), ...hit.instances.map(instanceRecordKey)];
        for (const key of keys) {
          const record = engine.exported(key);
          if (record !== undefined) found.push(record);
        }
      }
      return found;
    },
  };
}

/** Most records that one look-up brings. Raising it lets a wide question hold more memory. */
const largestLookup = 5_000;
const timeoutMs = 10_000;

/** Asks a peer what it exports, as the control API wants it: everything in one page. */
export async function lookupAtPeer(
  replication: Replication,
  cluster: string,
  request: LookupRequest,
): Promise<LookupResponse> {
  const { service, instance } = request;
  const { records, total } = await replication.lookup(
    cluster,
    { service, instance },
    largestLookup,
    timeoutMs,
  );
  // An instance is of no use without its service before it.
  const ordered = [...records].sort(
    (a, b) => Number(b.kind === 'service') - Number(a.kind === 'service'),
  );
  return {
    records: ordered.map((record) => ({
      ...record,
      kind: record.kind === 'service' ? 1 : 2,
      payload: Buffer.from(record.payload),
    })),
    nextPageToken: '',
    total,
  };
}
