// Which consumers depend on which providers: what a watch delivers, and what blocks a removal
// (servicecenter-api.md §7, §9).

import type { DependencyBody, KeyBody } from './bodies.ts';
import type { ServiceKey, Tenant } from './content.ts';
import { keyOf, keyPath } from './content.ts';
import type { Context } from './context.ts';
import { ApiError, invalid } from './errors.ts';
import { checkFields, consumerRules, providerRules } from './fields.ts';
import type { ServiceRecord } from './store.ts';
import { nameKey } from './store.ts';
import { matchVersions, parseVersionRule } from './versions.ts';

function toKey(body: KeyBody | null | undefined): ServiceKey {
  return {
    environment: body?.environment ?? '',
    appId: body?.appId ?? '',
    serviceName: body?.serviceName ?? '',
    version: body?.version ?? '',
  };
}

/** Replaces (`PUT`) or adds to (`POST`) the providers of consumers. Throws 400001, 400012. */
export function setDependencies(
  context: Context,
  tenant: Tenant,
  bodies: readonly DependencyBody[],
  replace: boolean,
): void {
  if (bodies.length === 0 || bodies.length > 100) {
    throw invalid(
      `field 'CreateDependenciesRequest.Dependencies' invalid value '[]' does not match rule: {Min: 1, Max: 100}`,
    );
  }
  for (const { consumer, providers } of bodies) {
    checkFields('MicroServiceKey', consumer ?? {}, consumerRules);
    for (const provider of providers ?? []) {
      checkFields('MicroServiceKey', provider, providerRules);
    }
  }
  for (const body of bodies) {
    const consumer = toKey(body.consumer);
    const home = context.store.tenant(tenant);
    const versions = home?.names.get(
      nameKey(consumer.environment, consumer.appId, consumer.serviceName),
    );
    const record = versions?.find(({ version }) => version === consumer.version);
    if (record === undefined) {
      throw new ApiError(400012, `Consumer ${keyPath(consumer)} does not exist.`);
    }
    const named = (body.providers ?? []).map(toKey);
    if (replace) record.tenant.dependencies.set(keyPath(consumer), named);
    else for (const provider of named) addDependency(record, provider);
    context.store.nextRevision();
  }
}

/** Records that a consumer has asked for a provider. */
export function addDependency(consumer: ServiceRecord, provider: ServiceKey): void {
  const rules = consumer.tenant.dependencies;
  const path = keyPath(keyOf(consumer.truth));
  const named = rules.get(path) ?? [];
  if (!named.some((other) => keyPath(other) === keyPath(provider))) named.push(provider);
  rules.set(path, named);
}

/** A removed service depends on nothing any more. */
export function forgetDependencies(record: ServiceRecord): void {
  record.tenant.dependencies.delete(keyPath(keyOf(record.truth)));
}

/** Whether a rule of some consumer takes this provider. `*` takes all of one environment. */
function takes(rule: ServiceKey, provider: ServiceRecord): boolean {
  const key = keyOf(provider.truth);
  if (rule.environment !== key.environment) return false;
  if (rule.serviceName === '*') return true;
  const byName = rule.serviceName === key.serviceName || rule.serviceName === provider.truth.alias;
  if (!byName || rule.appId !== key.appId || rule.version === '') return false;
  const versions =
    provider.tenant.names.get(nameKey(key.environment, key.appId, key.serviceName)) ?? [];
  return matchVersions(versions, parseVersionRule(rule.version)).includes(provider);
}

/** The rules that count: a wildcard replaces what stands beside it, the first one alone counts. */
function effective(rules: readonly ServiceKey[]): readonly ServiceKey[] {
  const wildcard = rules.find(({ serviceName }) => serviceName === '*');
  return wildcard === undefined ? rules : [wildcard];
}

/** Whether this consumer hears of this provider's instances. */
export function dependsOn(consumer: ServiceRecord, provider: ServiceRecord): boolean {
  if (consumer.tenant !== provider.tenant) return false;
  const rules = consumer.tenant.dependencies.get(keyPath(keyOf(consumer.truth))) ?? [];
  return effective(rules).some((rule) => takes(rule, provider));
}

/** Gives the services that a consumer depends on. */
export function providersOf(consumer: ServiceRecord): readonly ServiceRecord[] {
  return [...consumer.tenant.services.values()].filter((provider) => dependsOn(consumer, provider));
}

/** Gives the services that depend on a provider. */
export function consumersOf(provider: ServiceRecord): readonly ServiceRecord[] {
  const found: ServiceRecord[] = [];
  const { tenant } = provider;
  for (const path of tenant.dependencies.keys()) {
    const [environment = '', appId = '', serviceName = '', version = ''] = path.split('/');
    const consumer = tenant.names
      .get(nameKey(environment, appId, serviceName))
      ?.find((other) => other.version === version);
    if (consumer !== undefined && dependsOn(consumer, provider)) found.push(consumer);
  }
  return found;
}
