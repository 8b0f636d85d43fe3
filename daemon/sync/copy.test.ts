import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseSecondsOf, type Instance } from '../model/service.ts';
import { readInstanceStamp, withoutStamp } from '../model/stamp.ts';
import { buildCopy, copyHash, copyInstanceId, differingFields, leaseCheck } from './copy.ts';

const original: Instance = {
  serviceId: 'service-1',
  instanceId: 'instance-1',
  endpoints: ['rest://10.0.0.1:8080?sslEnabled=true'],
  hostName: 'host',
  status: 'UP',
  properties: { zone: 'a' },
  healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
  dataCenterInfo: { name: 'dc', region: 'r', availableZone: 'z' },
  version: '1.0.0',
};
const options = {
  cluster: 'b',
  endpoints: [],
  leaseSeconds: 600,
  quarantined: false,
  epoch: 3,
  localServiceId: 'local',
};

describe('buildCopy', () => {
  it('keeps what the application wrote, and stamps where it comes from', () => {
    const copy = buildCopy(original, options);
    expect(withoutStamp(copy.properties)).toEqual(original.properties);
    expect(readInstanceStamp(copy.properties)).toEqual({
      originCluster: 'b',
      originService: 'service-1',
      originInstance: 'instance-1',
      epoch: 3,
    });
    expect(copy.properties['syncer-origin-health']).toBe('push/30/3');
    expect(copy.dataCenterInfo).toEqual(original.dataCenterInfo);
    expect(copy.endpoints).toEqual(original.endpoints);
    expect(leaseSecondsOf(copy)).toBe(600);
  });

  it('takes a quarantined copy out of service', () => {
    expect(buildCopy(original, { ...options, quarantined: true }).status).toBe('OUTOFSERVICE');
  });
});

describe('copyHash', () => {
  it('does not see the epoch, nor what the registry sets', () => {
    const one = buildCopy(original, options);
    const other = buildCopy(original, { ...options, epoch: 9, localServiceId: 'elsewhere' });
    expect(copyHash({ ...other, version: '2' })).toBe(copyHash(one));
    expect(differingFields(one, other)).toEqual([]);
  });

  it('sees every other field', () => {
    const copy = buildCopy(original, options);
    const changes: Partial<Instance>[] = [
      { endpoints: [] },
      { hostName: 'other' },
      { status: 'DOWN' },
      { properties: { ...copy.properties, zone: 'b' } },
      { healthCheck: undefined },
      { dataCenterInfo: undefined },
    ];
    for (const change of changes) {
      expect(copyHash({ ...copy, ...change })).not.toBe(copyHash(copy));
      expect(differingFields({ ...copy, ...change }, copy)).toEqual(Object.keys(change));
    }
  });
});

describe('copyInstanceId', () => {
  it('tells apart instances of equal id from other clusters and services', () => {
    const origin = { cluster: 'b', serviceId: 's', instanceId: 'i' };
    const ids = [
      origin,
      { ...origin, cluster: 'c' },
      { ...origin, serviceId: 't' },
      { ...origin, instanceId: 'j' },
    ].map(copyInstanceId);
    expect(new Set(ids).size).toBe(4);
    expect(copyInstanceId({ ...origin })).toBe(ids[0]);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('leaseCheck', () => {
  it('writes a lease that is as asked, or longer by less than one renewal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 86_400 }), (seconds) => {
        const healthCheck = leaseCheck(seconds);
        const lease = leaseSecondsOf({ healthCheck });
        expect(lease).toBeGreaterThanOrEqual(seconds);
        expect(lease - seconds).toBeLessThan(4);
      }),
    );
  });
});
