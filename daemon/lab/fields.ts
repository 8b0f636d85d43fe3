// The field rules of the v4 API, and the wording of their refusals (servicecenter-api.md §4, §5).

import { invalid } from './errors.ts';
import { exactVersionForm, isExactVersion, isVersionRule, versionRuleForm } from './versions.ts';

interface Pattern {
  readonly form: string;
  test(value: string): boolean;
}

/** Lengths count characters of a text, items of a list; a pattern applies to each item. */
export interface Rule {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: Pattern;
  /** The field is a list of texts. */
  readonly list?: true;
}

function pattern(expression: RegExp): Pattern {
  return { form: expression.source, test: (value) => expression.test(value) };
}

const name = pattern(/^[a-zA-Z0-9]*$|^[a-zA-Z0-9][a-zA-Z0-9_\-.]*[a-zA-Z0-9]$/);
const nameOrAlias = pattern(/^[a-zA-Z0-9]*$|^[a-zA-Z0-9][a-zA-Z0-9_\-.:]*[a-zA-Z0-9]$/);
const nameOrAll = pattern(/^[a-zA-Z0-9]*$|^[a-zA-Z0-9][a-zA-Z0-9_\-.]*[a-zA-Z0-9]$|^\*$/);
const noBlank = pattern(/^\S*$/);
const someText = pattern(/\S+/);
const place = pattern(/^[A-Za-z0-9_.-]+$/);
const schemaName = /^[a-zA-Z0-9]+$|^[a-zA-Z0-9][a-zA-Z0-9_\-.]*[a-zA-Z0-9]$/;
const exactVersion: Pattern = {
  form: exactVersionForm,
  test: (value) => value === '' || isExactVersion(value),
};
const versionRule: Pattern = {
  form: versionRuleForm,
  test: (value) => value === '' || isVersionRule(value),
};

export const environmentRule: Rule = {
  pattern: pattern(/^(development|testing|acceptance|production)*$/),
};
export const serviceIdRule: Rule = { min: 1, max: 64, pattern: noBlank };
export const instanceIdRule: Rule = { min: 1, max: 64, pattern: pattern(/^[A-Za-z0-9_.-]*$/) };
export const findVersionRule: Rule = { min: 1, max: 129, pattern: versionRule };
export const appIdRule: Rule = { min: 1, max: 160, pattern: name };
export const findNameRule: Rule = { min: 1, max: 289, pattern: nameOrAlias };
export const tagRule: Rule = { pattern: pattern(/^[a-zA-Z][a-zA-Z0-9_\-.]{0,63}$/) };
export const someRule: Rule = { min: 1 };

/** Fields of a service that is created. */
export const serviceRules = {
  environment: environmentRule,
  appId: { max: 160, pattern: name },
  serviceName: { min: 1, max: 128, pattern: name },
  version: { max: 64, pattern: exactVersion },
  serviceId: { max: 64, pattern: noBlank },
  description: { max: 256 },
  level: { pattern: pattern(/^(FRONT|MIDDLE|BACK)$/) },
  status: { pattern: pattern(/^(UP|DOWN)?$/) },
  schemas: {
    list: true,
    max: 100,
    pattern: pattern(/^[a-zA-Z0-9]{1,160}$|^[a-zA-Z0-9][a-zA-Z0-9_\-.]{0,158}[a-zA-Z0-9]$/),
  },
  alias: { max: 128, pattern: pattern(/^[a-zA-Z0-9_\-.:]*$/) },
  registerBy: { max: 64, pattern: pattern(/^(SDK|SIDECAR|PLATFORM)*$/) },
} as const satisfies Record<string, Rule>;

export const pathRule: Rule = { pattern: pattern(/^[A-Za-z0-9.,?'\\/+&amp;%$#=~_\-@{}]*$/) };
export const frameworkRules = {
  name: { max: 64, pattern: name },
  version: { max: 64 },
} as const satisfies Record<string, Rule>;

/** Fields of an instance that is registered. */
export const instanceRules = {
  instanceId: { max: 64, pattern: pattern(/^[A-Za-z0-9_.-]*$/) },
  hostName: { min: 1, max: 64, pattern: someText },
  endpoints: { list: true, pattern: someText },
  status: { pattern: pattern(/^(UP|DOWN|STARTING|TESTING|OUTOFSERVICE)?$/) },
} as const satisfies Record<string, Rule>;

export const statusRule: Rule = { pattern: pattern(/^(UP|DOWN|STARTING|TESTING|OUTOFSERVICE)$/) };
export const checkModeRule: Rule = { pattern: pattern(/^(push|pull)$/) };
export const checkUrlRule: Rule = { pattern: noBlank };
export const dataCenterRules = {
  name: { min: 1, max: 128, pattern: place },
  region: { min: 1, max: 128, pattern: place },
  availableZone: { min: 1, max: 128, pattern: place },
} as const satisfies Record<string, Rule>;

export const schemaIdRule: Rule = { min: 1, max: 160, pattern: pattern(schemaName) };
export const schemaSummaryRule: Rule = { max: 128, pattern: pattern(/^[a-zA-Z0-9]*$/) };

/** Keys in dependencies: the consumer must be exact, the provider may be a rule or `*`. */
export const consumerRules = {
  environment: environmentRule,
  appId: appIdRule,
  serviceName: { min: 1, max: 128, pattern: name },
  version: { min: 1, max: 64, pattern: exactVersion },
} as const satisfies Record<string, Rule>;
export const providerRules = {
  environment: environmentRule,
  appId: { max: 160, pattern: name },
  serviceName: { min: 1, max: 128, pattern: nameOrAll },
  version: { max: 128, pattern: versionRule },
} as const satisfies Record<string, Rule>;

/** Says how a rule reads in an error text. */
export function describeRule(rule: Rule): string {
  const parts: string[] = [];
  if (rule.min !== undefined) parts.push(`Min: ${rule.min}`);
  if (rule.max !== undefined) parts.push(`Max: ${rule.max}`);
  if (rule.pattern !== undefined) parts.push(`Regexp: ${rule.pattern.form}`);
  return `{${parts.join(', ')}}`;
}

function refuse(field: string, value: string, rule: Rule): never {
  throw invalid(
    `field '${field}' invalid value '${value}' does not match rule: ${describeRule(rule)}`,
  );
}

/** Throws 400001 unless the text keeps the rule; a missing text counts as empty. */
export function checkText(field: string, value: string | null | undefined, rule: Rule): void {
  const text = value ?? '';
  const length = text.length > (rule.max ?? 0) ? Array.from(text).length : text.length;
  if (length < (rule.min ?? 0) || length > (rule.max ?? length)) refuse(field, text, rule);
  if (rule.pattern !== undefined && !rule.pattern.test(text)) refuse(field, text, rule);
}

/** Throws 400001 unless the list's length and each of its items keep the rule. */
export function checkList(
  field: string,
  list: readonly string[] | null | undefined,
  rule: Rule,
): void {
  const items = list ?? [];
  if (items.length < (rule.min ?? 0) || items.length > (rule.max ?? items.length)) {
    refuse(field, `[${items.join(' ')}]`, rule);
  }
  for (const item of items) {
    if (rule.pattern !== undefined && !rule.pattern.test(item)) refuse(field, item, rule);
  }
}

/** Throws 400001 unless each named field keeps its rule. `type` goes before the names in the text. */
export function checkFields<R extends Readonly<Record<string, Rule>>>(
  type: string,
  value: Readonly<Partial<Record<keyof R, string | readonly string[] | null | undefined>>>,
  rules: R,
): void {
  for (const [key, rule] of Object.entries(rules)) {
    const field = `${type}.${key.charAt(0).toUpperCase()}${key.slice(1)}`;
    const content = value[key];
    if (rule.list === true) checkList(field, content as readonly string[] | undefined, rule);
    else checkText(field, content as string | undefined, rule);
  }
}

/** Throws 400001 unless the number lies between. */
export function checkNumber(field: string, value: number, min: number, max: number): void {
  if (value < min || value > max) refuse(field, String(value), { min, max });
}
