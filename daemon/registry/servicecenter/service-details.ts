// Tags and schemas of a service that we made: brought to what is wanted, by the rules of the
// service's environment (servicecenter-api.md §4).

import type { Schema, StringMap } from '../../model/service.ts';
import type { WriteResult } from '../driver.ts';
import { codes, isRefusal, type ServiceCenterApi } from './api.ts';
import { equalMaps } from './content.ts';
import type { ListedService } from './wire.ts';
import { conflict, done } from '../common/write-failure.ts';
import { failedBy } from './write-failure.ts';

/** Schemas in one body; above it one by one. The server takes 2 MiB, etcd 1.5 MiB (§14). */
const largestSetBytes = 1_000_000;

/** Replaces the tags where they differ; `{}` clears them. */
export async function writeTags(
  api: ServiceCenterApi,
  there: ListedService,
  tags: StringMap,
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const what = `write tags of service ${there.name}`;
  const now = await api.tags(there, there.serviceId, signal);
  if (!now.ok) return failedBy(now.trouble, what);
  if (equalMaps(now.value, tags)) return done;
  const answer = await api.raw(
    there,
    'POST',
    `${pathOf(there)}/tags`,
    JSON.stringify({ tags }),
    signal,
  );
  return answer.kind === 'ok' ? done : failedBy(answer, what);
}

/** Brings the schemas to `wanted`: ids, texts and summaries. */
export async function writeSchemas(
  api: ServiceCenterApi,
  there: ListedService,
  wanted: readonly Schema[],
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const what = `write schemas of service ${there.name}`;
  const read = await api.schemas(there, there.serviceId, there.schemaIds, signal);
  if (!read.ok) return failedBy(read.trouble, what);
  const present = new Map(read.value.map((schema) => [schema.id, schema]));
  const differing = wanted.filter((schema) => !equalSchemas(present.get(schema.id), schema));
  const surplus = read.value.filter(({ id }) => !wanted.some((schema) => schema.id === id));
  if (differing.length === 0 && surplus.length === 0) return done;
  return isFixed(there)
    ? writeFixed(api, there, differing, present, signal)
    : writeFree(api, there, wanted, differing, surplus, signal);
}

/** In production, and without an environment: ids are fixed, and a text is written once. */
async function writeFixed(
  api: ServiceCenterApi,
  there: ListedService,
  differing: readonly Schema[],
  present: ReadonlyMap<string, Schema>,
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const undeclared = differing.filter(({ id }) => !present.has(id));
  for (const schema of differing) {
    if (schema.text === undefined || !present.has(schema.id)) continue;
    // A text that stands there is taken away first; only then a new one is let in.
    if (present.get(schema.id)?.text !== undefined) {
      const removed = await removeSchema(api, there, schema.id, signal);
      if (!removed.ok) return removed;
    }
    const put = await putSchema(api, there, schema, signal);
    if (!put.ok) return put;
  }
  if (undeclared.length === 0) return done;
  const ids = undeclared.map(({ id }) => id).join(', ');
  return conflict(`service ${there.name} cannot take new schemas in its environment: ${ids}`);
}

async function writeFree(
  api: ServiceCenterApi,
  there: ListedService,
  wanted: readonly Schema[],
  differing: readonly Schema[],
  surplus: readonly Schema[],
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const entries = wanted.map(({ id, summary, text }) => ({ schemaId: id, schema: text, summary }));
  const body = JSON.stringify({ schemas: entries });
  const whole = wanted.length > 0 && wanted.every(({ text }) => text !== undefined);
  if (whole && Buffer.byteLength(body) <= largestSetBytes) {
    // Replaces the set, its ids included.
    const answer = await api.raw(there, 'POST', `${pathOf(there)}/schemas`, body, signal);
    return answer.kind === 'ok' ? done : failedBy(answer, `write schemas of ${there.name}`);
  }
  for (const schema of differing) {
    if (schema.text === undefined) continue;
    const put = await putSchema(api, there, schema, signal);
    if (!put.ok) return put;
  }
  // The id stays in the service's list (§4); the text is what consumers read.
  for (const { id, text } of surplus) {
    if (text === undefined) continue;
    const removed = await removeSchema(api, there, id, signal);
    if (!removed.ok) return removed;
  }
  return done;
}

async function putSchema(
  api: ServiceCenterApi,
  there: ListedService,
  { id, summary, text }: Schema,
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const path = `${pathOf(there)}/schemas/${encodeURIComponent(id)}`;
  const body = JSON.stringify({ schema: text, summary });
  const answer = await api.raw(there, 'PUT', path, body, signal);
  return answer.kind === 'ok' ? done : failedBy(answer, `write schema ${id} of ${there.name}`);
}

async function removeSchema(
  api: ServiceCenterApi,
  there: ListedService,
  id: string,
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const path = `${pathOf(there)}/schemas/${encodeURIComponent(id)}`;
  const answer = await api.raw(there, 'DELETE', path, undefined, signal);
  if (answer.kind === 'ok' || isRefusal(answer, codes.schemaMissing)) return done;
  return failedBy(answer, `remove schema ${id} of ${there.name}`);
}

function isFixed({ environment }: ListedService): boolean {
  return environment === '' || environment === 'production';
}

function equalSchemas(left: Schema | undefined, right: Schema): boolean {
  return left?.id === right.id && left.text === right.text && left.summary === right.summary;
}

function pathOf({ serviceId }: ListedService): string {
  return `/registry/microservices/${encodeURIComponent(serviceId)}`;
}
