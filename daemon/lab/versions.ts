// Version rules: `1.0.0`, `1.0.0+`, `1.0-2.0` (upper end excluded), `latest` (servicecenter-api.md §4, §7).

const exact = /^\d+(\.\d+){0,3}$/;
const rule = /^\d+(\.\d+){0,3}\+?$|^\d+(\.\d+){0,3}-\d+(\.\d+){0,3}$|^latest$/;
const largestPart = 32_767;

/** The wording of the rule in error texts. */
export const exactVersionForm = 'the form x[.y[.z]] where x y and z are 0-32767 range';
export const versionRuleForm =
  "the form x[.y[.z]] or x[.y[.z]]+ or x[.y[.z]]-x[.y[.z]] or 'latest' where x y and z are 0-32767 range";

export type VersionRule =
  | { readonly kind: 'exact'; readonly version: string }
  | { readonly kind: 'latest' }
  | { readonly kind: 'from'; readonly from: string }
  | { readonly kind: 'range'; readonly from: string; readonly below: string };

/**
 * Gives a text that orders versions by comparison; missing parts are 0, so `1.0` and `1.0.0` are
 * equal in order (and yet different versions). A number would not hold four parts of 15 bits.
 */
export function versionOrder(version: string): string {
  const parts = version.split('.');
  return [0, 1, 2, 3].map((at) => String(Number(parts[at] ?? 0)).padStart(5, '0')).join('.');
}

function partsInRange(version: string): boolean {
  return version.split('.').every((part) => Number(part) <= largestPart);
}

/** Whether a service may carry this version. */
export function isExactVersion(version: string): boolean {
  return exact.test(version) && partsInRange(version);
}

/** Whether a find may ask for this. */
export function isVersionRule(text: string): boolean {
  if (!rule.test(text)) return false;
  if (text === 'latest') return true;
  return text
    .replace(/\+$/, '')
    .split('-')
    .every((version) => partsInRange(version));
}

/** Reads a rule that `isVersionRule` accepts. The ends of a range may come in any order. */
export function parseVersionRule(text: string): VersionRule {
  if (text === 'latest') return { kind: 'latest' };
  if (text.endsWith('+')) return { kind: 'from', from: versionOrder(text.slice(0, -1)) };
  const [first = '', second] = text.split('-');
  if (second === undefined) return { kind: 'exact', version: text };
  const [from = '', below = ''] = [versionOrder(first), versionOrder(second)].sort();
  return { kind: 'range', from, below };
}

/**
 * Gives those versions that the rule takes, newest first. `versions` come newest first too
 * (`versionOrder` descending); `latest` is the newest one, whether it has instances or not.
 */
export function matchVersions<T extends { readonly order: string; readonly version: string }>(
  versions: readonly T[],
  by: VersionRule,
): readonly T[] {
  switch (by.kind) {
    case 'exact':
      return versions.filter(({ version }) => version === by.version);
    case 'latest':
      return versions.slice(0, 1);
    case 'from':
      return versions.filter(({ order }) => order >= by.from);
    case 'range':
      return versions.filter(({ order }) => order >= by.from && order < by.below);
  }
}
