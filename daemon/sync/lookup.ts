// Which native services and instances this cluster exports, for other clusters' questions.

import { decodeInstance, decodeService } from '../model/record-codec.ts';
import type { Instance, Service } from '../model/service.ts';
import type { LookupHit } from './engine.ts';
import type { ExportLog } from './export-log.ts';
import { splitRecordKey } from './record-keys.ts';

/**
 * Gives the exported services named `service` (all for `*`), with their instances, or the one asked
 * for. Of the instances only those of these services are decoded.
 */
export function* lookupExport(
  log: ExportLog,
  service: string,
  instance: string | undefined,
): Iterable<LookupHit> {
  const found = new Map<string, { readonly service: Service; readonly instances: Instance[] }>();
  for (const { kind, payload } of log.records()) {
    if (kind !== 'service') continue;
    const candidate = decodeService(payload);
    const named = service === '*' || service === candidate.name || service === candidate.serviceId;
    if (named) found.set(candidate.serviceId, { service: candidate, instances: [] });
  }
  if (found.size === 0) return;
  for (const { kind, key, payload } of log.records()) {
    const ids = kind === 'instance' ? splitRecordKey(key) : undefined;
    if (ids === undefined || (instance !== undefined && ids.instanceId !== instance)) continue;
    found.get(ids.serviceId)?.instances.push(decodeInstance(payload));
  }
  for (const hit of found.values()) {
    if (instance === undefined || hit.instances.length > 0) yield hit;
  }
}
