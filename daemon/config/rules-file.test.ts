import { describe, expect, it } from 'vitest';
import { createTranslator } from '../../proto/translate.ts';
import { describeProblem } from './problems.ts';
import { loadRules } from './rules-file.ts';

const rule = 'import:\n  - match: { service: "lab-*" }\n    action: exclude\n';

describe('a file of rules', () => {
  it('holds them alone or under `rules:`', () => {
    const alone = loadRules(rule, 'r.yaml');
    const nested = loadRules(`rules:\n${rule.replaceAll(/^/gm, '  ')}`, 'r.yaml');
    expect(alone).toEqual(nested);
    expect(alone).toMatchObject({
      ok: true,
      rules: { export: [], import: [{ action: 'exclude' }], absence: { kind: 'grace' } },
    });
  });

  it('may be empty: everything crosses', () => {
    expect(loadRules('', 'r.yaml')).toMatchObject({ ok: true, rules: { import: [] } });
  });

  it.each([
    ['import: 7', 'rules.import cannot be 7 (r.yaml:1): it is a list.'],
    ['\nimprt: []', 'rules.imprt is not a key of the configuration (r.yaml:2).'],
    ['absence: graze 1m', 'rules.absence cannot be graze 1m (r.yaml:1): it is keep, drop,'],
    ['a: [', 'r.yaml:1:5 is not valid YAML'],
    ['[[[', 'r.yaml:1:4 is not valid YAML'],
    ['text', 'rules cannot be text (r.yaml:1): it is a group of keys.'],
  ])('%j is refused with its line', (text, expected) => {
    const loaded = loadRules(text, 'r.yaml');
    const problem = loaded.ok ? undefined : loaded.problems[0];
    expect(problem && describeProblem(problem, createTranslator('en')).text).toContain(expected);
  });
});
