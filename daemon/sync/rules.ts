// Rules compiled once: which services cross, under which names, with which endpoints, and what
// becomes of their copies when the origin is silent. Pure.

import type {
  AbsencePolicy,
  EndpointRewrite,
  Rule,
  Rules,
  ServiceMatch,
  ServiceRename,
} from '../model/rules.ts';
import type { Instance, Service, ServiceKey } from '../model/service.ts';

/** What the rules say of one service. */
export interface RuleVerdict {
  readonly included: boolean;
  /** The rule that decided: its name, or its place in the configuration; empty: none matched. */
  readonly ruleName: string;
  readonly rename: ServiceRename | undefined;
  readonly endpoints: readonly EndpointRewrite[];
  readonly absence: AbsencePolicy;
}

export interface CompiledRules {
  /** What becomes of a native service on its way out. */
  exportVerdict(key: ServiceKey): RuleVerdict;
  /** What becomes of a service of `cluster` on its way in; `key` as the peer names it. */
  importVerdict(key: ServiceKey, cluster: string): RuleVerdict;
  /** Every absence policy that some copy may be under. */
  readonly policies: readonly AbsencePolicy[];
}

/** Compiles `rules`; the first rule that matches decides, and what none matches passes unchanged. */
export function compileRules(rules: Rules): CompiledRules {
  const exporting = rules.export.map((rule, index) => compileRule(rule, 'export', index, rules));
  const importing = rules.import.map((rule, index) => compileRule(rule, 'import', index, rules));
  const otherwise: RuleVerdict = {
    included: true,
    ruleName: '',
    rename: undefined,
    endpoints: [],
    absence: rules.absence,
  };
  return {
    exportVerdict: (key) => exporting.find(({ matches }) => matches(key, ''))?.verdict ?? otherwise,
    importVerdict: (key, cluster) =>
      importing.find(({ matches }) => matches(key, cluster))?.verdict ?? otherwise,
    policies: [rules.absence, ...importing.map(({ verdict }) => verdict.absence)],
  };
}

/** Gives the service under its new names. */
export function renameService(service: Service, rename: ServiceRename | undefined): Service {
  if (rename === undefined) return service;
  return {
    ...service,
    domain: rename.domain ?? service.domain,
    project: rename.project ?? service.project,
    environment: rename.environment ?? service.environment,
    app: rename.app ?? service.app,
    name: rename.service ?? service.name,
  };
}

/** Gives the instance with its endpoints rewritten: the first prefix of `host[:port]` that fits. */
export function rewriteEndpoints(
  instance: Instance,
  rewrites: readonly EndpointRewrite[],
): Instance {
  if (rewrites.length === 0) return instance;
  const endpoints = instance.endpoints.map((endpoint) => {
    const start = endpoint.indexOf('://') + 3;
    const address = start < 3 ? endpoint : endpoint.slice(start);
    const scheme = start < 3 ? '' : endpoint.slice(0, start);
    const rewrite = rewrites.find(({ from }) => address.startsWith(from));
    return rewrite === undefined
      ? endpoint
      : scheme + rewrite.to + address.slice(rewrite.from.length);
  });
  return { ...instance, endpoints };
}

interface CompiledRule {
  readonly matches: (key: ServiceKey, cluster: string) => boolean;
  readonly verdict: RuleVerdict;
}

function compileRule(
  rule: Rule,
  side: 'export' | 'import',
  index: number,
  rules: Rules,
): CompiledRule {
  return {
    matches: compileMatch(rule.match),
    verdict: {
      included: rule.action === 'include',
      ruleName: rule.name ?? `rules.${side}[${index}]`,
      rename: rule.rename,
      endpoints: rule.endpoints ?? [],
      absence: rule.absence ?? rules.absence,
    },
  };
}

function compileMatch(match: ServiceMatch): CompiledRule['matches'] {
  const tests: ((key: ServiceKey, cluster: string) => boolean)[] = [];
  const field = (pattern: string | undefined, read: (key: ServiceKey) => string): void => {
    if (pattern === undefined) return;
    const fits = compilePattern(pattern);
    tests.push((key) => fits(read(key)));
  };
  field(match.service, (key) => key.name);
  field(match.app, (key) => key.app);
  field(match.environment, (key) => key.environment);
  field(match.version, (key) => key.version);
  field(match.domain, (key) => key.domain);
  field(match.project, (key) => key.project);
  if (match.cluster !== undefined) {
    const fits = compilePattern(match.cluster);
    tests.push((_key, cluster) => fits(cluster));
  }
  return (key, cluster) => tests.every((test) => test(key, cluster));
}

/**
 * Gives the test of a glob: `?` is one character, `*` any number. Linear in the text for each `*`:
 * unlike a regular expression it cannot be made to backtrack without end.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  return (text) => {
    let textIndex = 0;
    let patternIndex = 0;
    let starIndex = -1;
    let resumeIndex = 0;
    while (textIndex < text.length) {
      const wanted = pattern[patternIndex];
      if (wanted === '*') {
        starIndex = patternIndex++;
        resumeIndex = textIndex;
      } else if (wanted !== undefined && (wanted === '?' || wanted === text[textIndex])) {
        patternIndex++;
        textIndex++;
      } else if (starIndex >= 0) {
        patternIndex = starIndex + 1;
        textIndex = ++resumeIndex;
      } else {
        return false;
      }
    }
    while (pattern[patternIndex] === '*') patternIndex++;
    return patternIndex === pattern.length;
  };
}
