// Which native services and instances this cluster exports, for other clusters' questions.

import { decodeInstance, decodeService } from '../model/record-codec.ts';
import { serviceRecordKey } from '../model/records.ts';
import type { Instance } from '../model/service.ts';
import type { LookupHit } from './engine.ts';
import type { ExportLog } from './export-log.ts';

/** Gives the exported services named `service` (all for `*`), with their instances, or the one asked for. */
export function* lookupExport(
  log: ExportLog,
  service: string,
  instance: string | undefined,
): Iterable<LookupHit> {
  const byService = new Map<string, Instance[]>();
  for (const { kind, key } of log.records()) {
    if (kind === 'service') byService.set(key, []);
  }
  for (const record of log.records()) {
    if (record.kind !== 'instance') continue;
    const found = decodeInstance(record.payload);
    if (instance !== undefined && found.instanceId !== instance) continue;
    byService.get(serviceRecordKey(found))?.push(found);
  }
  for (const [key, instances] of byService) {
    const record = log.record(key);
    if (record === undefined) continue;
    const found = decodeService(record.payload);
    const named = service === '*' || service === found.name || service === found.serviceId;
    const asked = instance === undefined || instances.length > 0;
    if (named && asked) yield { service: found, instances };
  }
}
