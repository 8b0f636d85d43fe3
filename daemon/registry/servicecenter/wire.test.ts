import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../model/service.ts';
import { compareInstances, instanceHash, normaliseInstance } from './content.ts';
import { readDump } from './details.ts';
import { defaultServiceId } from './service-id.ts';
import {
  AnswerError,
  decodeInstance,
  decodeSchemas,
  decodeService,
  decodeServices,
  encodeInstance,
} from './wire.ts';

const tenant = { domain: 'default', project: 'default' };
const text = fc.string({ maxLength: 20 });
const instance: fc.Arbitrary<Instance> = fc.record({
  serviceId: fc.string({ minLength: 1 }),
  instanceId: fc.string({ minLength: 1 }),
  endpoints: fc.array(text),
  hostName: text,
  status: fc.constantFrom('UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'),
  properties: fc.dictionary(text, text, { noNullPrototype: true }),
  healthCheck: fc.option(
    fc.record({
      mode: fc.constantFrom('push', 'pull'),
      port: fc.nat(65_535),
      interval: fc.nat(10_000),
      times: fc.nat(100),
      url: text,
    }),
    { nil: undefined },
  ),
  dataCenterInfo: fc.option(fc.record({ name: text, region: text, availableZone: text }), {
    nil: undefined,
  }),
  version: text,
});

/** What the server answers of an instance: as sent, empty things left out, its own fields added. */
function answered(sent: Instance): unknown {
  const body = JSON.parse(encodeInstance(sent)) as { instance: Record<string, unknown> };
  const kept = Object.entries(body.instance).filter(
    ([, value]) => JSON.stringify(value) !== '{}' && JSON.stringify(value) !== '[]',
  );
  return { ...Object.fromEntries(kept), serviceId: sent.serviceId, version: sent.version };
}

describe('instances', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(instance, (sent) => {
        expect(decodeInstance(answered(sent))).toEqual(sent);
      }),
    );
  });

  it('hash alike exactly when they are equal, whatever the order of their maps', () => {
    fc.assert(
      fc.property(instance, instance, (left, right) => {
        const turned = Object.fromEntries(Object.entries(left.properties).reverse());
        expect(instanceHash({ ...left, properties: turned })).toBe(instanceHash(left));
        const other = { ...right, serviceId: left.serviceId, instanceId: left.instanceId };
        const { status, properties, rest } = compareInstances(left, other);
        const equal = !status && !properties && !rest && left.version === right.version;
        expect(instanceHash(other) === instanceHash(left)).toBe(equal);
      }),
    );
  });

  it('are normal once normalised', () => {
    fc.assert(
      fc.property(instance, fc.boolean(), (sent, raised) => {
        const floor = raised ? { interval: 5, times: 3 } : undefined;
        const once = normaliseInstance(sent, floor);
        expect(normaliseInstance(once, floor)).toEqual(once);
        expect(once.healthCheck).toBeDefined();
      }),
    );
  });

  it('are raised to the floors of 2.x, and `pull` becomes 30/3', () => {
    const base = decodeInstance({ serviceId: 's', instanceId: 'i' });
    const check = { mode: 'push', port: 0, interval: 1, times: 1, url: '' } as const;
    const normal = (mode: 'push' | 'pull', floor?: { interval: number; times: number }) =>
      normaliseInstance({ ...base, healthCheck: { ...check, mode } }, floor).healthCheck;
    expect(normal('push')).toMatchObject({ interval: 1, times: 1 });
    expect(normal('push', { interval: 5, times: 3 })).toMatchObject({ interval: 5, times: 3 });
    expect(normal('pull')).toMatchObject({ mode: 'pull', interval: 30, times: 3 });
    expect(normaliseInstance(base, undefined).healthCheck).toMatchObject({
      mode: 'push',
      times: 3,
    });
  });
});

describe('answers of any shape', () => {
  it('are decoded or refused with an AnswerError, and nothing else', () => {
    const keys = fc.constantFrom(
      'serviceId',
      'instanceId',
      'serviceName',
      'endpoints',
      'properties',
      'healthCheck',
      'schemas',
      'services',
      'paths',
      'framework',
      'status',
      'cache',
      'tags',
    );
    const hostile = fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 })));
    const decoders: ((value: unknown) => unknown)[] = [
      decodeInstance,
      (value) => decodeService(value, tenant),
      (value) => decodeServices(value, tenant),
      (value) => decodeSchemas(value, ['a']),
      (value) => readDump({ serviceTags: value, summaries: value, instances: value }, tenant),
    ];
    fc.assert(
      fc.property(hostile, (value) => {
        for (const decode of decoders) {
          try {
            decode(value);
          } catch (error) {
            expect(error).toBeInstanceOf(AnswerError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('dump', () => {
  it('is read for one tenant, whose domain may hold a slash', () => {
    const odd = { domain: 'a/b', project: 'p' };
    const cache = {
      serviceTags: [
        { key: '/cse-sr/ms/tags/a/b/p/s1', rev: 3, value: { zone: 'n' } },
        { key: '/cse-sr/ms/tags/default/default/s2', rev: 4 },
      ],
      summaries: [{ key: '/cse-sr/ms/schema-sum/a/b/p/s1/order', rev: 5, value: 'x' }],
      instances: [{ key: '/cse-sr/inst/files/a/b/p/s1/i1', rev: 6, value: {} }],
    };
    const dumped = readDump(cache, odd);
    expect([...dumped.tags]).toEqual([['s1', { zone: 'n' }]]);
    expect([...dumped.summaries]).toEqual([['s1', 'order@5']]);
    expect([...dumped.instances]).toEqual(['s1/i1']);
    expect([...readDump(cache, tenant).tags]).toEqual([['s2', {}]]);
  });
});

describe('service id', () => {
  it('is the one that a ServiceCenter 1.4.8 gave', () => {
    const key = { ...tenant, environment: '', app: 'default', name: 'a', version: '0.0.1' };
    expect(defaultServiceId(key)).toBe('8cd8ab2787efc4335b3a3d63986542ae40a83168');
  });
});
