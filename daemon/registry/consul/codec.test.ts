// A copy there and back says what field-table.ts promises, whatever is in it, within what Consul takes.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, ServiceKey } from '../../model/service.ts';
import { stampInstance } from '../../model/stamp.ts';
import { decodeInstance, encodeInstance, normaliseInstance, stampIn } from './codec.ts';
import { fieldTable, instanceRows } from './field-table.ts';
import { pairsOf, propertiesIn, textIn } from './metadata.ts';
import {
  identityFor,
  identityOf,
  parseServiceId,
  serviceIdOf,
  type Identity,
} from './service-id.ts';
import { encodeTransaction } from './transaction-wire.ts';
import { decodeInstances, type ConsulInstance } from './wire.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 12 });
const awkwardKey = fc.constantFrom(
  'version',
  'secure',
  'syncer-model',
  'syncer-service',
  'syncer-endpoints',
  'syncer-endpoints-1',
  'syncer-more',
  'syncer-more-3',
  'consul-tags',
  'consul-weights',
  'dots.are.not.taken',
  '__proto__',
  '',
);
const plainKey = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const someValue = fc.oneof(word, fc.constantFrom('["a","b"]', '5/2', 'ä'.repeat(300)));
const properties = fc.dictionary(fc.oneof(word, awkwardKey, plainKey), someValue, {
  maxKeys: 8,
  noNullPrototype: true,
});
const count = fc.integer({ min: 0, max: 100_000 });
const endpoint = fc.oneof(
  word,
  fc.constantFrom(
    'rest://10.0.0.1:8080',
    'rest://10.0.0.1:8443?sslEnabled=true',
    'https://host:443/x',
    'highway://[::1]:7070',
    'rest://[::1]:7070',
    'rest://h:99999',
    `rest://10.0.0.1:1?${'ü'.repeat(400)}`,
  ),
);

const key: fc.Arbitrary<ServiceKey> = fc.record({
  domain: fc.constantFrom('default', 'second'),
  project: fc.constantFrom('default', 'other'),
  environment: fc.constantFrom('', 'production'),
  app: fc.oneof(fc.constantFrom('default', ''), word),
  name: word.filter((name) => name !== ''),
  version: fc.constantFrom('0.0.1', '1.2.3', 'latest'),
});

const instance = fc.record({
  serviceId: fc.constant(''),
  instanceId: word.filter((id) => id !== ''),
  endpoints: fc.array(endpoint, { maxLength: 3 }),
  hostName: word,
  status: fc.constantFrom('UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'),
  properties,
  healthCheck: fc.option(
    fc.record({
      mode: fc.constantFrom('push', 'pull'),
      port: count,
      interval: count,
      times: count,
      url: word,
    }),
    { nil: undefined },
  ),
  dataCenterInfo: fc.option(fc.record({ name: word, region: word, availableZone: word }), {
    nil: undefined,
  }),
  version: fc.constant(''),
}) as fc.Arbitrary<Instance>;

/** Over the wire and back, as a server would give it. */
function throughServer(original: Instance, identity: Identity): ConsulInstance {
  const { meta, status, ...service } = encodeInstance(original, identity, undefined);
  if (!meta.fits) throw new Error(`${meta.count} pairs`);
  const operation = {
    kind: 'put-service',
    node: 'syncer-a',
    modifyIndex: 7,
    service: { ...service, meta: meta.pairs },
  } as const;
  const [sent] = JSON.parse(
    encodeTransaction([operation], { namespace: undefined, partition: undefined } as object),
  ) as { Service: { Service: object } }[];
  const checks = status === 'UP' ? [] : [{ Node: 'syncer-a', CheckID: 'x', Status: 'critical' }];
  const [back] = decodeInstances([
    {
      Node: { Node: 'syncer-a', Address: '0.0.0.0', Datacenter: 'dc1' },
      Service: sent?.Service.Service,
      Checks: checks,
    },
  ]);
  if (back === undefined) throw new Error('nothing came back');
  return back;
}

describe('an instance', () => {
  it.each(instanceRows.filter(({ survival }) => survival !== 'registry'))(
    'gives $field back',
    ({ field }) => {
      fc.assert(
        fc.property(key, instance, (service, original) => {
          const there = throughServer(original, identityFor(service));
          expect(decodeInstance(there)[field]).toEqual(normaliseInstance(original)[field]);
        }),
      );
    },
  );

  it('keeps its service, whatever its properties say', () => {
    fc.assert(
      fc.property(key, instance, (service, original) => {
        const identity = identityFor(service);
        const there = throughServer(original, identity);
        expect(identityOf(there.name, there.meta).key).toEqual(service);
        expect(parseServiceId(decodeInstance(there).serviceId)).toEqual(identity);
      }),
    );
  });

  it('takes only pairs that Consul takes', () => {
    fc.assert(
      fc.property(key, instance, (service, original) => {
        const { meta } = throughServer(original, identityFor(service));
        expect(Object.keys(meta).length).toBeLessThanOrEqual(64);
        for (const [name, value] of Object.entries(meta)) {
          expect(name).toMatch(/^(?!consul-)[A-Za-z0-9_-]{1,128}$/);
          expect(Buffer.byteLength(value)).toBeLessThanOrEqual(512);
        }
      }),
    );
  });

  it('is known as a copy by its stamp, whatever else it carries', () => {
    fc.assert(
      fc.property(instance, fc.nat({ max: 90 }), (original, more) => {
        const stamp = {
          originCluster: 'south',
          originService: 's'.repeat(600),
          originInstance: 'i',
          epoch: 3,
        };
        const many = Object.fromEntries(Array.from({ length: more }, (_, at) => [`k${at}`, 'v']));
        const stamped = stampInstance({ ...original.properties, ...many }, stamp, undefined);
        const copy = { ...original, properties: stamped };
        const there = throughServer(copy, identityFor({ ...ordersKey, name: 'n' }));
        expect(stampIn(there)).toEqual(stamp);
        expect(decodeInstance(there).properties).toEqual(stamped);
        // Where it can, it stands in plain sight: other tools filter by it.
        expect(there.meta['syncer-origin-cluster']).toBe('south');
      }),
    );
  });
});

describe('metadata', () => {
  it('says how many pairs it would take where there are too many', () => {
    const long = Object.fromEntries(
      Array.from({ length: 80 }, (_, at) => [`k${at}`, 'v'.repeat(512)]),
    );
    const pairs = pairsOf(long, {});
    expect(pairs.fits).toBe(false);
    expect(!pairs.fits && pairs.count).toBeGreaterThan(64);
  });

  it('puts long texts together again, and leaves what is not ours', () => {
    const text = 'ü😀'.repeat(500);
    const pairs = pairsOf({ plain: 'x' }, { 'syncer-endpoints': text });
    if (!pairs.fits) throw new Error('too many pairs');
    expect(textIn(pairs.pairs, 'syncer-endpoints')).toBe(text);
    expect(textIn(pairs.pairs, 'syncer-host')).toBeUndefined();
    expect(propertiesIn(pairs.pairs)).toEqual({ plain: 'x' });
  });

  it('reads what somebody else wrote under our keys as nothing', () => {
    for (const more of ['', '{', '[]', '"x"', 'null']) {
      expect(propertiesIn({ 'syncer-more': more, a: 'b' })).toEqual({ a: 'b' });
    }
  });
});

describe('an ordinary application', () => {
  const plain = {
    Node: { Node: 'host-1', Address: '10.0.0.9', Datacenter: 'dc1' },
    Service: {
      ID: 'orders',
      Service: 'orders',
      Tags: ['primary'],
      Address: '',
      Port: 8080,
      Meta: { version: '2.1.0', secure: 'true' },
      Weights: { Passing: 10, Warning: 1 },
      ModifyIndex: 5,
    },
    Checks: [
      { Node: 'host-1', CheckID: 'serfHealth', Status: 'passing' },
      { Node: 'host-1', CheckID: 'service:orders', Status: 'warning', ServiceName: 'orders' },
    ],
  };
  const decoded = (change: object = {}): Instance => {
    const [read] = decodeInstances([{ ...plain, ...change }]);
    if (read === undefined) throw new Error('nothing read');
    return decodeInstance(read);
  };

  it('reads as a service of ServiceComb', () => {
    expect(decoded()).toEqual({
      serviceId: 'orders:::2.1.0',
      instanceId: 'orders@host-1',
      endpoints: ['rest://10.0.0.9:8080?sslEnabled=true'],
      hostName: 'host-1',
      status: 'UP',
      properties: {
        'consul-tags': '["primary"]',
        'consul-weights': '10/1',
        version: '2.1.0',
        secure: 'true',
      },
      healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
      dataCenterInfo: { name: 'dc1', region: 'dc1', availableZone: 'dc1' },
      version: '2.1.0',
    });
  });

  it.each([
    ['critical', 'service:orders', 'DOWN'],
    ['critical', 'serfHealth', 'DOWN'],
    ['critical', '_service_maintenance:orders', 'OUTOFSERVICE'],
    ['critical', '_node_maintenance', 'OUTOFSERVICE'],
    ['no word of Consul', 'service:orders', 'DOWN'],
    ['warning', 'service:orders', 'UP'],
  ])('with a check that is %s (%s) is %s', (Status, CheckID, status) => {
    expect(decoded({ Checks: [{ Node: 'host-1', CheckID, Status }] }).status).toBe(status);
  });

  it.each([-1, 0, 70_000])('with port %i has no endpoint', (Port) => {
    expect(decoded({ Service: { ...plain.Service, Port } }).endpoints).toEqual([]);
  });

  it('says the same tags and weights as a copy in another Consul', () => {
    const original = decoded();
    const identity = parseServiceId(original.serviceId);
    if (identity === undefined) throw new Error(original.serviceId);
    expect(encodeInstance(original, identity, undefined)).toMatchObject({
      id: 'orders:::2.1.0/orders@host-1',
      name: 'orders',
      address: '10.0.0.9',
      port: 8080,
      tags: ['primary'],
      weights: { passing: 10, warning: 1 },
    });
  });
});

describe('a service id', () => {
  it('is the identity', () => {
    expect(serviceIdOf(identityFor(ordersKey))).toBe('orders');
    fc.assert(
      fc.property(key, (service) => {
        expect(parseServiceId(serviceIdOf(identityFor(service)))?.key).toEqual(service);
      }),
    );
  });

  it('is told apart from what is none', () => {
    for (const id of ['', '%', 'a:b:c:d:e:f:g:h', 'a:%zz', 'a:', 'a/b', 'a:default']) {
      expect(parseServiceId(id)).toBeUndefined();
    }
  });
});

const ordersKey = {
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'default',
  name: 'orders',
  version: '0.0.1',
};

it('the table in README.md is the one of the code', async () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  const { format } = await import('prettier');
  const table = await format(fieldTable(), { parser: 'markdown', printWidth: 100 });
  // What is missing, the failure prints.
  expect(readme).toContain(table);
});
