// Tags of a service (servicecenter-api.md §4).

import type { Tenant } from './content.ts';
import { nonEmptyMap } from './content.ts';
import type { Context } from './context.ts';
import { ApiError, invalid } from './errors.ts';
import { checkList, checkText, describeRule, tagRule } from './fields.ts';
import { note, requireService } from './service-access.ts';
import type { ServiceRecord } from './store.ts';

/** Replaces all tags. Throws 400001 if a key or value does not begin with a letter. */
export function setTags(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  tags: Readonly<Record<string, string>>,
  who: string,
): void {
  context.quotas.checkTags(Object.keys(tags).length);
  const rule = { max: context.quotas.limits.tag, ...tagRule };
  for (const text of Object.entries(tags).flat()) {
    if (tagRule.pattern?.test(text) === false) {
      throw invalid(
        `field 'AddServiceTagsRequest.Tags' invalid value '${text}' does not match rule: ${describeRule(rule)}`,
      );
    }
  }
  const record = requireService(context, tenant, serviceId);
  write(context, record, { ...tags }, who, 'POST tags');
}

/** Gives the tags, or undefined if there are none. */
export function tagsOf(
  context: Context,
  tenant: Tenant,
  serviceId: string,
): Readonly<Record<string, string>> | undefined {
  return nonEmptyMap(requireService(context, tenant, serviceId).tags);
}

/** Changes one tag. Throws 400018 for an unknown key. */
export function setTag(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  key: string,
  value: string,
  who: string,
): void {
  checkText('UpdateServiceTagRequest.Key', key, tagRule);
  checkText('UpdateServiceTagRequest.Value', value, tagRule);
  const record = requireService(context, tenant, serviceId);
  if (!Object.hasOwn(record.tags, key)) {
    throw new ApiError(400018, 'Tag does not exist, please add one first.');
  }
  write(context, record, { ...record.tags, [key]: value }, who, 'PUT tag');
}

/** Removes tags; if one of them is unknown none is removed, and 400018 thrown. */
export function deleteTags(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  keys: readonly string[],
  who: string,
): void {
  checkList('DeleteServiceTagsRequest.Keys', keys, { min: 1, ...tagRule });
  const record = requireService(context, tenant, serviceId);
  const left = new Map(Object.entries(record.tags));
  for (const key of keys) {
    if (!left.delete(key)) {
      throw new ApiError(400018, `Delete tags failed for this key ${key} does not exist.`);
    }
  }
  write(context, record, Object.fromEntries(left), who, 'DELETE tags');
}

function write(
  context: Context,
  record: ServiceRecord,
  tags: Readonly<Record<string, string>>,
  who: string,
  what: string,
): void {
  record.tags = tags;
  record.tagsRev = context.store.nextRevision();
  note(context, record, 'service-updated', who, what);
}
