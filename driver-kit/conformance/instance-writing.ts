// What a driver must do to instances: write copies whole, and never touch anything else.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from './harness.ts';
import type { Instance, Service } from '../../daemon/model/service.ts';
import { stampInstance } from '../../daemon/model/stamp.ts';
import type { InstanceRef, ServiceRef, WriteResult } from '../../daemon/registry/driver.ts';
import { failureCode, sampleInstance, sampleService, value } from './native-application.ts';
import { observe, type ObservedDriver } from './observed-driver.ts';
import type { RegistryFixture } from './fixture.ts';

const never = new AbortController().signal;

export function instanceWritingContract(makeFixture: () => Promise<RegistryFixture>): void {
  describe('writing instances', () => {
    let fixture: RegistryFixture;
    let observed: ObservedDriver;
    let service: Service;
    let ref: ServiceRef;
    beforeAll(async () => {
      fixture = await makeFixture();
      observed = observe(fixture.createDriver());
      service = sampleService();
      ref = await fixture.native.registerService(service);
      await observed.until(() => observed.service(ref));
    });
    afterAll(async () => {
      await observed.stop();
      await fixture.close();
    });

    const copyOf = (change: Partial<Instance> = {}, epoch = 1, cluster = 'south'): Instance => {
      const base = sampleInstance(change);
      const stamp = {
        originCluster: cluster,
        originService: 'origin-service',
        originInstance: `origin-of-${base.instanceId}`,
        epoch,
      };
      const properties = stampInstance(base.properties, stamp, base.healthCheck);
      return { ...base, serviceId: ref.serviceId, properties };
    };
    const put = (copy: Instance): Promise<WriteResult<void>> =>
      observed.driver.putInstance(service, copy, never);
    const at = ({ instanceId }: Pick<Instance, 'instanceId'>): InstanceRef => ({
      ...ref,
      instanceId,
    });
    const read = async (copy: Pick<Instance, 'instanceId'>): Promise<Instance | undefined> =>
      value(await observed.driver.readInstance(at(copy), never));

    it('writes every field of a copy, and seeing it compares equal', async () => {
      const copy = copyOf({ status: 'TESTING' });
      value(await put(copy));
      expect(await read(copy)).toEqual(observed.driver.normalise(copy));
      const seen = await observed.until(() => observed.instance(at(copy)));
      expect(observed.driver.normalise(seen)).toEqual(observed.driver.normalise(copy));
    });

    it.each([
      ['no health check', { healthCheck: undefined }],
      [
        'a pull check',
        { healthCheck: { mode: 'pull', port: 9, interval: 7, times: 1, url: '/x' } },
      ],
      [
        'no repetition',
        { healthCheck: { mode: 'push', port: 0, interval: 600, times: 0, url: '' } },
      ],
      ['no data centre', { dataCenterInfo: undefined }],
      ['no endpoints', { endpoints: [] }],
    ] as const)('gives back %s as normalise says', async (_what, change) => {
      const copy = copyOf(change);
      value(await put(copy));
      expect(await read(copy)).toEqual(observed.driver.normalise(copy));
    });

    it('is idempotent: putting again changes nothing and makes no second one', async () => {
      const copy = copyOf();
      value(await put(copy));
      await observed.until(() => observed.instance(at(copy)));
      const tellings = countTellings(observed, copy);
      value(await put(copy));
      value(await put(copy));
      await wait(600);
      expect(countTellings(observed, copy)).toBe(tellings);
      const ids = await fixture.native.instanceIds(ref);
      expect(ids.filter((id) => id === copy.instanceId)).toHaveLength(1);
    });

    it.each([
      ['status', { status: 'DOWN' }],
      ['endpoints', { endpoints: ['rest://10.2.2.2:1'] }],
      ['host name', { hostName: 'another-host' }],
      ['data centre', { dataCenterInfo: { name: 'x', region: 'y', availableZone: 'z' } }],
      ['health check', { healthCheck: { mode: 'push', port: 1, interval: 40, times: 2, url: '' } }],
    ] as const)('changes the %s of a copy', async (_what, change) => {
      const copy = copyOf();
      value(await put(copy));
      await observed.until(() => observed.instance(at(copy)));
      const next = { ...copy, ...(change as Partial<Instance>) };
      value(await put(next));
      expect(await read(next)).toEqual(observed.driver.normalise(next));
    });

    it('changes properties, keeping the stamp', async () => {
      const copy = copyOf();
      value(await put(copy));
      await observed.until(() => observed.instance(at(copy)));
      const next = { ...copy, properties: { ...copy.properties, weight: '9' } };
      value(await put(next));
      expect((await read(next))?.properties).toEqual(next.properties);
    });

    it('ends at the last content when many puts of one copy are under way', async () => {
      const copy = copyOf();
      const versions = Array.from({ length: 12 }, (_, index) => ({
        ...copy,
        endpoints: [`rest://10.0.0.1:${8000 + index}`],
      }));
      value(await put(copy));
      await observed.until(() => observed.instance(at(copy)));
      const results = await Promise.all(versions.map(put));
      for (const result of results) value(result);
      expect((await read(copy))?.endpoints).toEqual(['rest://10.0.0.1:8011']);
    });

    it('does not touch an instance that an application has registered', async () => {
      const instance = sampleInstance();
      const native = await fixture.native.registerInstance(ref, instance);
      const before = await observed.until(() => observed.instance(native));
      const copy = copyOf({ instanceId: instance.instanceId, endpoints: ['rest://10.6.6.6:6'] });
      expect(failureCode(await put(copy))).toBe('not-ours');
      expect(failureCode(await observed.driver.removeInstance(native, 'south', never))).toBe(
        'not-ours',
      );
      expect(await read(instance)).toEqual(before);
    });

    it("does not touch another origin's copy", async () => {
      const theirs = copyOf({}, 1, 'west');
      value(await put(theirs));
      await observed.until(() => observed.instance(at(theirs)));
      const ours = copyOf({ instanceId: theirs.instanceId, endpoints: ['rest://10.6.6.6:6'] });
      expect(failureCode(await put(ours))).toBe('not-ours');
      const removal = await observed.driver.removeInstance(at(theirs), 'south', never);
      expect(failureCode(removal)).toBe('not-ours');
      expect(await read(theirs)).toEqual(observed.driver.normalise(theirs));
    });

    it('is fenced off by a copy of a newer epoch', async () => {
      const newer = copyOf({}, 7);
      value(await put(newer));
      await observed.until(() => observed.instance(at(newer)));
      const older = copyOf({ instanceId: newer.instanceId, hostName: 'old' }, 6);
      expect(failureCode(await put(older))).toBe('fenced');
      expect((await read(newer))?.hostName).toBe(newer.hostName);
      const next = copyOf({ instanceId: newer.instanceId, hostName: 'new' }, 8);
      value(await put(next));
      expect((await read(newer))?.hostName).toBe('new');
    });

    it('compares whole ids, where one begins with the other', async () => {
      const long = copyOf({ instanceId: 'prefix-10' });
      value(await put(long));
      await observed.until(() => observed.instance(at(long)));
      const short = copyOf({ instanceId: 'prefix-1' });
      expect(await read(short)).toBeUndefined();
      value(await observed.driver.removeInstance(at(short), 'south', never));
      value(await put(short));
      expect(await read(long)).toEqual(observed.driver.normalise(long));
      value(await observed.driver.removeInstance(at(short), 'south', never));
      expect(await read(short)).toBeUndefined();
      expect(await read(long)).toEqual(observed.driver.normalise(long));
    });

    it('removes a copy; one that is gone is no failure', async () => {
      const copy = copyOf();
      value(await put(copy));
      await observed.until(() => observed.instance(at(copy)));
      value(await observed.driver.removeInstance(at(copy), 'south', never));
      value(await observed.driver.removeInstance(at(copy), 'south', never));
      await observed.until(() => observed.removal(at(copy)));
      expect(await read(copy)).toBeUndefined();
    });

    it('tells the failures of a put apart', async () => {
      const nowhere = { ...copyOf(), serviceId: 'no-such-service' };
      expect(failureCode(await put(nowhere))).toBe('service-gone');
      const large = copyOf({ endpoints: [`rest://10.0.0.1:1?${'x'.repeat(20_000)}`] });
      expect(failureCode(await put(large))).toBe('too-large');
      const wrong = copyOf({ hostName: 'h'.repeat(300) });
      expect(failureCode(await put(wrong))).toBe('invalid');
    });

    it('names exactly the missing ones of a renewal', async () => {
      const copies = Array.from({ length: 20 }, () => copyOf());
      for (const copy of copies) value(await put(copy));
      const present = copies.map(at);
      expect(value(await observed.driver.renew(present, never)).missing).toEqual([]);
      const missing = [
        at({ instanceId: 'never-there' }),
        { ...ref, serviceId: 'no-such-service', instanceId: 'x' },
      ];
      const [first, ...rest] = present;
      if (first !== undefined) {
        value(await observed.driver.removeInstance(first, 'south', never));
        missing.push(first);
      }
      const result = value(await observed.driver.renew([...rest, ...missing], never));
      expect(new Set(result.missing.map(text))).toEqual(new Set(missing.map(text)));
    });

    it('keeps a lease alive by renewing it, and lets it end without', async () => {
      const check = { mode: 'push', port: 0, interval: 5, times: 3, url: '' } as const;
      const kept = copyOf({ healthCheck: check });
      const left = copyOf({ healthCheck: check });
      value(await put(kept));
      value(await put(left));
      await observed.until(() => observed.instance(at(left)) && observed.instance(at(kept)));
      const renewing = setInterval(() => void observed.driver.renew([at(kept)], never), 2_000);
      try {
        await observed.until(() => observed.removal(at(left)), 60_000);
      } finally {
        clearInterval(renewing);
      }
      expect(observed.removal(at(kept))).toBeUndefined();
      expect(await read(kept)).toBeDefined();
    });

    it('rejects when its signal is aborted', async () => {
      const aborted = AbortSignal.abort(new Error('not any more'));
      await expect(observed.driver.putInstance(service, copyOf(), aborted)).rejects.toThrow(
        'not any more',
      );
      await expect(observed.driver.renew([at(copyOf())], aborted)).rejects.toThrow('not any more');
    });

    it('refuses a copy without a stamp as a broken call', async () => {
      const bare = { ...sampleInstance(), serviceId: ref.serviceId };
      await expect(put(bare)).rejects.toThrow(/stamp/);
    });
  });
}

function countTellings(observed: ObservedDriver, { instanceId }: Instance): number {
  return observed.changes.flatMap(({ instances }) =>
    instances.filter((instance) => instance.instanceId === instanceId),
  ).length;
}

function text({ serviceId, instanceId }: InstanceRef): string {
  return `${serviceId}/${instanceId}`;
}
