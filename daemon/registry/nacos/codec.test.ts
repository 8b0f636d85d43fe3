// A copy there and back says what field-table.ts promises, whatever is in it.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, Service } from '../../model/service.ts';
import { stampInstance, stampKeys } from '../../model/stamp.ts';
import { serviceFrom } from '../common/service-content.ts';
import {
  comeForward,
  decodeInstance,
  encodeInstance,
  isCopy,
  isNacosSync,
  metadataLimit,
  normaliseInstance,
  sameRegistration,
  standsAside,
} from './codec.ts';
import { fieldTable, instanceRows, serviceRows } from './field-table.ts';
import { contentKeys, lengthOf } from './metadata-keys.ts';
import { identityFor, identityOf, nameProblem, parseServiceId, serviceIdOf } from './service-id.ts';
import { decodePage, encodeRegistration, type NacosInstance } from './wire.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 8 });
const awkwardKey = fc.constantFrom(
  'version',
  'secure',
  'protocol',
  'sy',
  'sy-from',
  'sy-k:x',
  'preserved.ip.delete.timeout',
  'nacos-weight',
  stampKeys.originCluster,
  '',
);
const properties = fc.dictionary(fc.oneof(word, awkwardKey), word, {
  maxKeys: 5,
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
    'rest://0.1.2.3:80',
    'rest://h:99999',
  ),
);
const projects = ['default', 'other'];

const key = fc.record({
  domain: fc.constantFrom('default', 'second'),
  project: fc.constantFrom('default', 'other', 'nowhere'),
  environment: fc.constantFrom('', 'production'),
  app: fc.oneof(fc.constantFrom('default', '', 'shop', 'DEFAULT_GROUP'), word),
  name: word.filter((name) => nameProblem(name) === undefined),
  version: fc.constantFrom('0.0.1', '1.2.3', 'latest'),
});

const shape = {
  serviceId: fc.constant(''),
  instanceId: word,
  endpoints: fc.array(endpoint, { maxLength: 3 }),
  hostName: word,
  status: fc.constantFrom('UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'),
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
};
const instance = fc.record({ ...shape, properties }) as fc.Arbitrary<Instance>;
const large = fc.record({
  ...shape,
  properties: fc.dictionary(word, fc.string({ maxLength: 700 }), {
    maxKeys: 6,
    noNullPrototype: true,
  }),
}) as fc.Arbitrary<Instance>;

/** Over the wire and back, as a server would give it. */
function throughServer(encoded: NacosInstance): NacosInstance {
  const form = encodeRegistration(encoded, 'public');
  const text = (name: string): string => form.get(name) ?? '';
  const host = {
    ip: text('ip'),
    port: Number(text('port')),
    clusterName: text('clusterName'),
    weight: Number(text('weight')),
    healthy: text('healthy') === 'true',
    enabled: text('enabled') === 'true',
    ephemeral: text('ephemeral') === 'true',
    metadata: JSON.parse(text('metadata')) as unknown,
  };
  const service = {
    groupName: text('groupName'),
    serviceName: text('serviceName'),
    clusterMap: { c: { hosts: [host] } },
  };
  const data = { totalCount: 1, pagesAvailable: 1, pageItems: [service] };
  const [read] = decodePage(data, encoded.project).instances;
  if (read === undefined) throw new Error('no instance');
  return read;
}

describe('an instance', () => {
  it.each(instanceRows.filter(({ survival }) => survival !== 'registry'))(
    'gives $field back, also from aside',
    ({ field }) => {
      fc.assert(
        fc.property(key, instance, fc.boolean(), (service, original, aside) => {
          const wanted = normaliseInstance(original);
          const identity = identityFor(service, projects);
          const there = throughServer(encodeInstance(wanted, identity, undefined, aside));
          expect(decodeInstance(there)[field]).toEqual(wanted[field]);
        }),
      );
    },
  );

  it('keeps its service, whatever its properties say', () => {
    fc.assert(
      fc.property(key, instance, (service, original) => {
        const identity = identityFor(service, projects);
        const there = throughServer(encodeInstance(original, identity, undefined));
        expect(identityOf(there, there.metadata).key).toEqual(service);
        expect(parseServiceId(decodeInstance(there).serviceId)).toEqual(identity);
      }),
    );
  });

  it('fits into the metadata of a Nacos; what is lost is named, and once is enough', () => {
    fc.assert(
      fc.property(large, (original) => {
        const once = normaliseInstance(original);
        const there = encodeInstance(once, identityFor(plainKey, projects), undefined, true);
        expect(lengthOf(there.metadata)).toBeLessThanOrEqual(metadataLimit);
        expect(normaliseInstance(once)).toEqual(once);
        const lost = Object.keys(original.properties).filter((name) => !(name in once.properties));
        expect((once.properties['syncer-lost'] ?? '') === '').toBe(lost.join('') === '');
      }),
    );
  });

  it('never loses its stamp', () => {
    const stamp = { originCluster: 'so|ut%h', originService: '%p', originInstance: '', epoch: 7 };
    const own = stampInstance({ big: 'x'.repeat(2_000) }, stamp, undefined);
    const copy = normaliseInstance({ ...plainInstance, properties: own });
    const there = throughServer(encodeInstance(copy, identityFor(plainKey, projects), undefined));
    expect(isCopy(there)).toBe(true);
    expect(there.cluster).toBe('syncer-so-ut-h');
    const { properties: read } = decodeInstance(there);
    expect(read).toEqual({ ...stampInstance({}, stamp, undefined), 'syncer-lost': 'big' });
  });

  it('stands aside out of sight, and comes forward as it was meant', () => {
    const content = { from: 'south', service: serviceFrom(plainKey, '', undefined, 'south') };
    const identity = identityFor(plainKey, projects);
    const aside = encodeInstance(plainInstance, identity, content, true);
    const forward = encodeInstance(plainInstance, identity, content);
    expect(aside).toMatchObject({ enabled: false });
    expect(standsAside(aside)).toBe(true);
    expect(standsAside(forward)).toBe(false);
    expect(sameRegistration(comeForward(throughServer(aside)), forward)).toBe(true);
  });

  it('is told apart from what is no id of a service', () => {
    for (const id of ['', ':shop', 'a:b:c:d:e:f:g:h:i', 'a:%zz']) {
      expect(parseServiceId(id)).toBeUndefined();
    }
  });
});

describe('an ordinary application', () => {
  const host: NacosInstance = {
    project: 'default',
    group: 'payments',
    name: 'orders',
    ip: '10.0.0.1',
    port: 8443,
    cluster: 'HZ',
    weight: 2.5,
    healthy: true,
    enabled: true,
    ephemeral: true,
    metadata: {
      version: '2.1.0',
      secure: 'true',
      'preserved.register.source': 'SPRING_CLOUD',
      'preserved.ip.delete.timeout': '60000',
    },
    intervalMs: 5_000,
    leaseMs: 60_000,
  };

  it('reads as a service of ServiceComb, its group as the app', () => {
    expect(decodeInstance(host)).toEqual({
      serviceId: 'orders:payments::2.1.0',
      instanceId: '10.0.0.1:8443@HZ',
      endpoints: ['rest://10.0.0.1:8443?sslEnabled=true'],
      hostName: '10.0.0.1',
      status: 'UP',
      properties: {
        version: '2.1.0',
        secure: 'true',
        'preserved.register.source': 'SPRING_CLOUD',
        'nacos-weight': '2.5',
        'nacos-cluster': 'HZ',
      },
      healthCheck: { mode: 'push', port: 0, interval: 5, times: 11, url: '' },
      dataCenterInfo: undefined,
      version: '2.1.0',
    });
    expect(identityOf(host, host.metadata).key).toEqual({
      ...plainKey,
      app: 'payments',
      version: '2.1.0',
    });
  });

  it.each([
    [{ enabled: false }, 'OUTOFSERVICE'],
    [{ healthy: false }, 'DOWN'],
    [{ enabled: false, healthy: false }, 'OUTOFSERVICE'],
  ] as const)('with %j is %s', (change, status) => {
    expect(decodeInstance({ ...host, ...change }).status).toBe(status);
  });

  it('names its protocol as Dubbo does', () => {
    const metadata = { protocol: 'dubbo' };
    expect(decodeInstance({ ...host, metadata }).endpoints).toEqual(['dubbo://10.0.0.1:8443']);
  });

  it('is told from what nacos-sync has put there', () => {
    expect(isNacosSync(host)).toBe(false);
    const metadata = { syncSource: 'NACOS', sourceClusterId: 'c1', destClusterId: 'c2' };
    expect(isNacosSync({ ...host, metadata })).toBe(true);
  });

  it('keeps its weight as a copy in another Nacos', () => {
    const original = decodeInstance(host);
    const copy = encodeInstance(original, identityFor(plainKey, projects), undefined);
    expect(copy).toMatchObject({ weight: 2.5, ip: '10.0.0.1', port: 8443, enabled: true });
    expect(copy.metadata).toMatchObject({ secure: 'true' });
  });
});

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
    { maxKeys: 2, noNullPrototype: true },
  ),
  tags: fc.constantFrom<Record<string, string>>({}, { zone: 'north' }),
  schemas: fc.constantFrom<Service['schemas']>([], [{ id: 'a', summary: 's', text: 'x' }]),
  paths: fc.constantFrom<Service['paths']>([], [{ path: '/x', property: { a: 'b' } }]),
});

describe('a service', () => {
  it.each(serviceRows.filter(({ survival }) => survival === 'room'))(
    'gives $field back while its content is small',
    ({ field }) => {
      fc.assert(
        fc.property(key, service, (identity, content) => {
          const full = { ...identity, serviceId: '', ...content } as Service;
          const there = encodeInstance(plainInstance, identityFor(identity, projects), {
            from: undefined,
            service: full,
          });
          const text = there.metadata[contentKeys.service];
          expect(serviceFrom(identity, '', text, undefined)[field]).toEqual(full[field]);
        }),
      );
    },
  );

  it('loses what there is no room for, and never more than its instance', () => {
    const huge = { ...serviceFrom(plainKey, '', undefined, undefined), alias: 'a'.repeat(2_000) };
    const content = { from: 'south', service: huge };
    const there = encodeInstance(plainInstance, identityFor(plainKey, projects), content);
    expect(there.metadata[contentKeys.service]).toBe('{"from":"south"}');
    expect(decodeInstance(there).properties).toEqual(plainInstance.properties);
  });

  it('has the identity as its id', () => {
    expect(serviceIdOf(identityFor(plainKey, projects))).toBe('orders');
    const other = { ...plainKey, app: '', name: 'Ordérs:x', version: '1.2.3', project: 'other' };
    expect(parseServiceId(serviceIdOf(identityFor(other, projects)))?.key).toEqual(other);
  });

  it.each(['', 'a b', '@a', 'a@@b', '服务', 'x'.repeat(513)])('is refused as %j', (name) => {
    expect(nameProblem(name)).toBeDefined();
  });
});

const plainKey = {
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'default',
  name: 'orders',
  version: '0.0.1',
};

const plainInstance: Instance = {
  serviceId: '',
  instanceId: 'i1',
  endpoints: ['rest://10.0.0.1:8080', 'highway://10.0.0.1:7070'],
  hostName: 'h',
  status: 'UP',
  properties: { a: 'b' },
  healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
  dataCenterInfo: undefined,
  version: '0.0.1',
};

it('the table in README.md is the one of the code', async () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  const { format } = await import('prettier');
  const table = await format(fieldTable(), { parser: 'markdown', printWidth: 100 });
  // What is missing, the failure prints.
  expect(readme).toContain(table);
});
