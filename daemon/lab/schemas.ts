// Schemas of a service. Production (and the empty environment) admits each declared id once; the other
// environments admit anything (servicecenter-api.md §4).

import type { SchemaBody } from './bodies.ts';
import type { Service, Tenant } from './content.ts';
import { nonEmptyList, textOr, withoutEmpty } from './content.ts';
import type { Context } from './context.ts';
import { ApiError, invalid } from './errors.ts';
import { checkText, schemaIdRule, schemaSummaryRule, someRule } from './fields.ts';
import { editService, note, requireService } from './service-access.ts';
import type { ServiceRecord } from './store.ts';

/** One schema as the list shows it; without text or summary where there is none. */
export interface SchemaEntry {
  readonly schemaId: string;
  readonly summary?: string;
  readonly schema?: string;
}

const noSuchService = 'Service does not exist';

/** Adds or overwrites one schema. Throws 400012, 400014 (not declared), 400015 (already there). */
export function putSchema(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  body: SchemaBody & { readonly schemaId: string },
  who: string,
): void {
  check('ModifySchemaRequest', body);
  const record = requireService(context, tenant, serviceId, noSuchService);
  const declared = declaredIds(context, record);
  const present = record.schemas.get(body.schemaId);
  if (isStrict(context, record)) {
    // A service that declares nothing may still declare its first one by this.
    if (declared.length > 0 && !declared.includes(body.schemaId)) {
      throw new ApiError(400014, "Non-existent schemaID can't be added in production");
    }
    // What has no summary yet may be given once more, with one.
    if (present !== undefined && (textOr(body.summary, '') === '' || present.summary !== '')) {
      throw new ApiError(400015, 'schema already exist, can not be changed in production');
    }
  } else if (present === undefined) {
    context.quotas.applySchemas(record.schemas.size, 1);
  }
  store(context, record, body);
  if (declared.includes(body.schemaId)) note(context, record, 'service-updated', who, 'PUT schema');
  else declare(context, record, [...declared, body.schemaId], who);
}

/** Replaces the whole set; in production adds the missing ones and ignores other texts. */
export function postSchemas(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  bodies: readonly SchemaBody[],
  who: string,
): void {
  const entries = bodies.map((body) => ({ ...body, schemaId: body.schemaId ?? '' }));
  if (entries.length === 0) {
    throw invalid(
      `field 'ModifySchemasRequest.Schemas' invalid value '[]' does not match rule: {Min: 1, Max: 100}`,
    );
  }
  for (const entry of entries) {
    check('Schema', entry);
    checkText('Schema.Summary', entry.summary, { ...schemaSummaryRule, min: 1 });
  }
  const record = requireService(context, tenant, serviceId, noSuchService);
  if (entries.length > context.quotas.limits.schema) {
    throw invalid(`too many schemas: ${entries.length} of ${context.quotas.limits.schema}`);
  }
  const declared = declaredIds(context, record);
  if (isStrict(context, record)) {
    const unknown = entries.filter(({ schemaId }) => !declared.includes(schemaId));
    if (declared.length > 0 && unknown.length > 0) {
      const ids = unknown.map(({ schemaId }) => schemaId).join(' ');
      throw new ApiError(400014, `Non-existent schemaIDs [${ids}]`);
    }
    for (const entry of entries) {
      const present = record.schemas.get(entry.schemaId);
      const isOpen = declared.length > 0 && present?.summary === '';
      if (present === undefined || isOpen) store(context, record, entry);
    }
    if (declared.length > 0) note(context, record, 'service-updated', who, 'POST schemas');
    else declare(context, record, [...new Set(entries.map(({ schemaId }) => schemaId))], who);
    return;
  }
  const listed = new Set(entries.map(({ schemaId }) => schemaId));
  for (const schemaId of record.schemas.keys()) {
    if (!listed.has(schemaId)) record.schemas.delete(schemaId);
  }
  for (const entry of entries) store(context, record, entry);
  declare(context, record, [...listed], who);
}

/** Removes text and summary; the id stays in `service.schemas`. Throws 400016. */
export function deleteSchema(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  schemaId: string,
  who: string,
): void {
  checkText('DeleteSchemaRequest.SchemaId', schemaId, schemaIdRule);
  const record = requireService(context, tenant, serviceId);
  if (!record.schemas.delete(schemaId)) {
    throw new ApiError(400016, 'Schema info does not exist.');
  }
  context.store.nextRevision();
  note(context, record, 'service-updated', who, 'DELETE schema');
}

/** Gives one schema; throws 400012, 400016. */
export function schemaOf(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  schemaId: string,
  noServiceDetail?: string,
): { readonly text: string; readonly summary: string } {
  checkText('GetSchemaRequest.SchemaId', schemaId, schemaIdRule);
  const record = requireService(context, tenant, serviceId, noServiceDetail);
  const schema = record.schemas.get(schemaId);
  if (schema === undefined) throw new ApiError(400016, 'Do not have this schema info.');
  return schema;
}

/** Gives the schemas that the service declares, with texts if asked; undefined if it declares none. */
export function listSchemas(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  withText: boolean,
): readonly SchemaEntry[] | undefined {
  const record = requireService(context, tenant, serviceId);
  return nonEmptyList(
    declaredIds(context, record).map((schemaId) => {
      const schema = record.schemas.get(schemaId);
      return withoutEmpty<SchemaEntry>({
        schemaId,
        summary: schema?.summary,
        schema: withText ? schema?.text : undefined,
      });
    }),
  );
}

function check(type: string, body: SchemaBody): void {
  checkText(`${type}.SchemaId`, body.schemaId, schemaIdRule);
  checkText(`${type}.Schema`, body.schema, someRule);
  checkText(`${type}.Summary`, body.summary, schemaSummaryRule);
}

function isStrict(context: Context, record: ServiceRecord): boolean {
  const environment = record.truth.environment ?? '';
  return !context.schemaEditable && (environment === '' || environment === 'production');
}

function declaredIds(context: Context, record: ServiceRecord): readonly string[] {
  return (context.cacheEnabled ? record.cached : record.truth).schemas ?? [];
}

function store(context: Context, record: ServiceRecord, body: SchemaBody): void {
  record.schemas.set(body.schemaId ?? '', {
    text: body.schema ?? '',
    // Without a new one the old one stays.
    summary: textOr(body.summary, record.schemas.get(body.schemaId ?? '')?.summary ?? ''),
    summaryRev: context.store.nextRevision(),
  });
}

function declare(
  context: Context,
  record: ServiceRecord,
  schemas: readonly string[],
  who: string,
): void {
  editService(context, record, who, 'schemas', (old): Service => ({ ...old, schemas }));
}
