import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRules, type Rules } from '../model/rules.ts';
import type { Instance, ServiceKey } from '../model/service.ts';
import { compilePattern, compileRules, rewriteEndpoints } from './rules.ts';

const key: ServiceKey = {
  domain: 'default',
  project: 'default',
  environment: 'production',
  app: 'shop',
  name: 'orders-api',
  version: '1.0.0',
};

const instance: Instance = {
  serviceId: 's',
  instanceId: 'i',
  endpoints: ['rest://10.0.0.1:8080?sslEnabled=true', '10.0.0.1:9090', 'grpc://172.16.0.1:70'],
  hostName: 'host',
  status: 'UP',
  properties: {},
  healthCheck: undefined,
  dataCenterInfo: undefined,
  version: '',
};

describe('compilePattern', () => {
  it('agrees with a regular expression on every glob', () => {
    const alphabet = fc.constantFrom('a', 'b', '-', '.', '*', '?');
    const glob = fc.string({ unit: alphabet, maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), maxLength: 10 });
    fc.assert(
      fc.property(glob, text, (pattern, subject) => {
        const source = pattern
          .split('')
          .map((letter) => ({ '*': '.*', '?': '.', '.': '[.]' })[letter] ?? letter)
          .join('');
        expect(compilePattern(pattern)(subject)).toBe(new RegExp(`^${source}$`).test(subject));
      }),
    );
  });

  it('answers soon for a pattern that would make a regular expression backtrack', () => {
    expect(compilePattern('*a'.repeat(40))(`${'a'.repeat(5000)}b`)).toBe(false);
  });
});

describe('compileRules', () => {
  const rules: Rules = {
    ...defaultRules,
    export: [{ match: { app: 'lab-*' }, action: 'exclude' }],
    import: [
      { match: { service: 'orders-*', cluster: 'b' }, action: 'exclude', name: 'no-orders' },
      { match: { service: 'orders-*' }, action: 'include', absence: { kind: 'keep' } },
      { match: {}, action: 'exclude' },
    ],
  };

  it('lets the first rule that matches decide', () => {
    const compiled = compileRules(rules);
    expect(compiled.importVerdict(key, 'b')).toMatchObject({
      included: false,
      ruleName: 'no-orders',
    });
    expect(compiled.importVerdict(key, 'c')).toMatchObject({
      included: true,
      absence: { kind: 'keep' },
    });
    expect(compiled.importVerdict({ ...key, name: 'carts' }, 'c')).toMatchObject({
      included: false,
      ruleName: 'rules.import[2]',
    });
  });

  it('lets through what no rule matches', () => {
    expect(compileRules(rules).exportVerdict(key)).toMatchObject({ included: true, ruleName: '' });
    expect(compileRules(rules).exportVerdict({ ...key, app: 'lab-1' }).included).toBe(false);
  });
});

describe('rewriteEndpoints', () => {
  it('rewrites the address by the first prefix that fits, and nothing else', () => {
    const rewrites = [
      { from: '10.0.0.1:8080', to: 'edge:443' },
      { from: '10.0.', to: '192.168.' },
    ];
    expect(rewriteEndpoints(instance, rewrites).endpoints).toEqual([
      'rest://edge:443?sslEnabled=true',
      '192.168.0.1:9090',
      'grpc://172.16.0.1:70',
    ]);
  });
});
