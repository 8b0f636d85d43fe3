import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, InstanceStatus } from '../../model/service.ts';
import { applyContentRules, type ContentRules } from './content-rules.ts';

const words: readonly InstanceStatus[] = ['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'];
const instance: Instance = {
  serviceId: 's',
  instanceId: 'i',
  endpoints: ['rest://10.0.0.1:1'],
  hostName: 'host',
  status: 'TESTING',
  properties: { team: 'blue', 'syncer-origin-cluster': 'c' },
  healthCheck: { mode: 'push', port: 1, interval: 3, times: 2, url: '' },
  dataCenterInfo: { name: 'n', region: 'r', availableZone: 'z' },
  version: '1',
};

const rules: fc.Arbitrary<ContentRules> = fc
  .record({
    drops: fc.subarray(['hostName', 'healthCheck', 'dataCenterInfo', 'properties'] as const),
    statuses: fc.option(fc.subarray([...words], { minLength: 1 }), { nil: undefined }),
    shortestIntervalSeconds: fc.nat(20),
  })
  .map((rule) => ({ ...rule, otherStatus: rule.statuses?.[0] }));

describe('rules of content', () => {
  it('leave an instance as it is where the registry holds everything', () => {
    expect(applyContentRules(instance, {})).toBe(instance);
  });

  it('drop, floor and replace, and keep the stamp', () => {
    expect(
      applyContentRules(instance, {
        drops: ['hostName', 'properties', 'dataCenterInfo'],
        statuses: ['UP', 'DOWN'],
        shortestIntervalSeconds: 5,
      }),
    ).toEqual({
      ...instance,
      hostName: '',
      dataCenterInfo: undefined,
      status: 'DOWN',
      properties: { 'syncer-origin-cluster': 'c' },
      healthCheck: { mode: 'push', port: 1, interval: 5, times: 2, url: '' },
    });
  });

  it('applied twice are applied once, whatever they say', () => {
    fc.assert(
      fc.property(rules, fc.constantFrom(...words), (rule, status) => {
        const once = applyContentRules({ ...instance, status }, rule);
        expect(applyContentRules(once, rule)).toEqual(once);
        if (rule.statuses !== undefined) expect(rule.statuses).toContain(once.status);
      }),
    );
  });
});
