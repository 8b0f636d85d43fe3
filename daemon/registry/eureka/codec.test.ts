// A copy there and back says what field-table.ts promises, whatever is in it.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, Service } from '../../model/service.ts';
import { contentTextOf, serviceFrom as serviceOfKey } from '../common/service-content.ts';
import { decodeInstance, encodeInstance, normaliseInstance } from './codec.ts';
import { fieldTable, instanceRows, serviceRows } from './field-table.ts';
import {
  identityFor,
  identityOf,
  parseServiceId,
  serviceIdOf,
  type Identity,
} from './service-id.ts';
import { decodeSingle, encodeRegistration, type EurekaInstance } from './wire.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 12 });
const awkwardKey = fc.constantFrom(
  'version',
  '@class',
  'syncer-model',
  'syncer-service',
  'syncer-endpoints',
  'syncer-kept:x',
  'eureka-vip',
  '',
);
const properties = fc.dictionary(fc.oneof(word, awkwardKey), word, { maxKeys: 6 });
const count = fc.integer({ min: 0, max: 100_000 });
const endpoint = fc.oneof(
  word,
  fc.constantFrom(
    'rest://10.0.0.1:8080',
    'rest://10.0.0.1:8443?sslEnabled=true',
    'https://host:443/x',
    'highway://[::1]:7070',
    'rest://h:99999',
  ),
);

const key = fc.record({
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
function throughServer(encoded: EurekaInstance): EurekaInstance {
  return decodeSingle(JSON.parse(encodeRegistration(encoded)));
}

describe('an instance', () => {
  it.each(instanceRows.filter(({ survival }) => survival !== 'registry'))(
    'gives $field back',
    ({ field }) => {
      fc.assert(
        fc.property(key, instance, (service, original) => {
          const there = throughServer(encodeInstance(original, identityFor(service), undefined, 1));
          expect(decodeInstance(there)[field]).toEqual(normaliseInstance(original)[field]);
        }),
      );
    },
  );

  it('keeps its service, whatever its properties say', () => {
    fc.assert(
      fc.property(key, instance, (service, original) => {
        const identity = identityFor(service);
        const there = throughServer(encodeInstance(original, identity, undefined, 1));
        expect(identityOf(there.app, there.metadata).key).toEqual(service);
        expect(parseServiceId(decodeInstance(there).serviceId)).toEqual(identity);
      }),
    );
  });

  it('is told apart from what is no id of a service', () => {
    for (const id of ['', 'orders', '%', 'A:b:c:d:e:f:g:h', 'A:%zz']) {
      expect(parseServiceId(id)).toBeUndefined();
    }
  });
});

describe('an ordinary application', () => {
  const plain = {
    instance: {
      instanceId: 'host:orders:8080',
      hostName: 'host',
      app: 'ORDERS',
      ipAddr: '10.0.0.1',
      status: 'UP',
      port: { $: 8080, '@enabled': 'true' },
      securePort: { $: 8443, '@enabled': 'true' },
      countryId: 1,
      dataCenterInfo: { name: 'Amazon', metadata: { 'availability-zone': 'us-east-1c' } },
      leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
      metadata: { '@class': 'java.util.Collections$EmptyMap', version: '2.1.0' },
      vipAddress: 'orders',
      secureVipAddress: 'orders-secure',
      healthCheckUrl: 'http://host:8080/health',
      lastDirtyTimestamp: '1795551682652',
    },
  };

  it('reads as a service of ServiceComb', () => {
    const read = decodeSingle(plain);
    expect(decodeInstance(read)).toEqual({
      serviceId: 'ORDERS:::2.1.0',
      instanceId: 'host:orders:8080',
      endpoints: ['rest://10.0.0.1:8080', 'rest://10.0.0.1:8443?sslEnabled=true'],
      hostName: 'host',
      status: 'UP',
      properties: {
        version: '2.1.0',
        'eureka-secure-vip': 'orders-secure',
        'eureka-health-check': 'http://host:8080/health',
      },
      healthCheck: { mode: 'push', port: 0, interval: 30, times: 2, url: '' },
      dataCenterInfo: { name: 'Amazon', region: 'us-east-1', availableZone: 'us-east-1c' },
      version: '2.1.0',
    });
    expect(identityOf('ORDERS', read.metadata).key).toEqual({
      domain: 'default',
      project: 'default',
      environment: '',
      app: 'default',
      name: 'orders',
      version: '2.1.0',
    });
  });

  it('says the same VIPs and pages as a copy in another Eureka', () => {
    const original = decodeInstance(decodeSingle(plain));
    const identity = parseServiceId(original.serviceId);
    if (identity === undefined) throw new Error(original.serviceId);
    const copy = encodeInstance(original, identity, undefined, 1);
    expect(copy).toMatchObject({
      app: 'ORDERS',
      vip: 'orders',
      secureVip: 'orders-secure',
      healthCheckUrl: 'http://host:8080/health',
      ipAddr: '10.0.0.1',
      port: 8080,
      securePort: 8443,
    });
  });
});

function serviceFrom(
  identity: Identity,
  text: string | undefined,
  origin: string | undefined,
): Service {
  return serviceOfKey(identity.key, serviceIdOf(identity), text, origin);
}

const service = fc.record({
  alias: word,
  description: word,
  level: fc.constantFrom('FRONT', 'BACK'),
  status: fc.constantFrom('UP', 'DOWN'),
  registerBy: fc.constantFrom('', 'SDK'),
  framework: fc.option(fc.record({ name: word, version: word }), { nil: undefined }),
  // A key of this name is no own property of a validated map.
  properties: fc.dictionary(
    word.filter((name) => name !== '__proto__'),
    word,
    { maxKeys: 3, noNullPrototype: true },
  ),
  tags: fc.constantFrom<Record<string, string>>({}, { zone: 'north' }),
  schemas: fc.array(
    fc.record({ id: word, summary: word, text: fc.option(word, { nil: undefined }) }),
    { maxLength: 2 },
  ),
  paths: fc.constantFrom<Service['paths']>([], [{ path: '/x', property: { a: 'b' } }]),
});

describe('a service', () => {
  it.each(serviceRows.filter(({ survival }) => survival === 'bounded'))(
    'gives $field back while its content is small',
    ({ field }) => {
      fc.assert(
        fc.property(key, service, (identity, content) => {
          const full = { ...identity, serviceId: '', ...content } as Service;
          const text = contentTextOf({ from: undefined, service: full });
          expect(serviceFrom(identityFor(identity), text, undefined)[field]).toEqual(full[field]);
        }),
      );
    },
  );

  it('loses the texts of schemas first, and never its origin', () => {
    const base = serviceFrom(identityFor(parsedKey), undefined, undefined);
    const schemas = [{ id: 'big', summary: 's', text: 'x'.repeat(4_000) }];
    const text = contentTextOf({ from: 'south', service: { ...base, alias: 'a', schemas } });
    expect(serviceFrom(identityFor(parsedKey), text, 'south')).toMatchObject({
      alias: 'a',
      schemas: [{ id: 'big', summary: 's', text: undefined }],
      properties: { 'syncer-origin-cluster': 'south' },
    });
    const huge = { ...base, description: 'y'.repeat(4_000) };
    const least = contentTextOf({ from: 'south', service: huge });
    expect(serviceFrom(identityFor(parsedKey), least, 'west').properties).toEqual({
      'syncer-origin-cluster': 'south',
    });
  });

  it('has the identity as its id', () => {
    expect(serviceIdOf(identityFor(parsedKey))).toBe('ORDERS');
    const other = { ...parsedKey, app: '', name: 'Ordérs', version: '1.2.3' };
    expect(parseServiceId(serviceIdOf(identityFor(other)))?.key).toEqual(other);
  });
});

const parsedKey = {
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
