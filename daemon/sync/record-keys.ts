// Record keys taken apart; model/records.ts puts them together.

import type { RecordKind } from '../model/records.ts';

export interface KeyParts {
  readonly serviceId: string;
  /** `undefined` in the key of a service. */
  readonly instanceId: string | undefined;
}

/** Takes a record key apart; `undefined` when it is none. Service ids hold no slash. */
export function splitRecordKey(key: string): KeyParts | undefined {
  if (key.startsWith('s/') && key.length > 2) {
    return { serviceId: key.slice(2), instanceId: undefined };
  }
  const end = key.indexOf('/', 2);
  if (!key.startsWith('i/') || end < 3 || end === key.length - 1) return undefined;
  return { serviceId: key.slice(2, end), instanceId: key.slice(end + 1) };
}

/** True when `key` is one of a record of this kind. */
export function fitsKind(key: string, kind: RecordKind): boolean {
  const parts = splitRecordKey(key);
  return parts !== undefined && (parts.instanceId === undefined) === (kind === 'service');
}
