import { describe, expect, it } from 'vitest';
import { systemClock } from '../support/clock.ts';
import { silentLogger } from '../support/logger.ts';
import { seededRandom } from '../support/random.ts';
import { driverNames } from './driver-names.ts';
import { createDriver } from './drivers.ts';

const environment = { clock: systemClock, random: seededRandom(1), logger: silentLogger };

describe('built-in drivers', () => {
  it('makes a driver by its name, and nothing is asked before it starts', async () => {
    const driver = createDriver(
      'servicecenter',
      { addresses: ['http://127.0.0.1:1'] },
      environment,
    );
    expect(driver.kind).toBe('servicecenter');
    expect(driver.facts()).toMatchObject({
      address: 'http://127.0.0.1:1',
      version: 'unknown',
      findings: {},
    });
    await driver.stop();
  });

  it('makes a Eureka driver, with user and password kept to itself', async () => {
    const driver = createDriver(
      'eureka',
      { addresses: ['http://reader:s3cret@127.0.0.1:1/eureka/'] },
      environment,
    );
    expect(driver.kind).toBe('eureka');
    expect(driver.facts()).toMatchObject({ address: 'http://127.0.0.1:1/eureka', findings: {} });
    await driver.stop();
  });

  it.each([
    [{ addresses: [] }, /addresses/],
    [{ addresses: ['10.0.0.1:8761'] }, /'10\.0\.0\.1:8761'.*http:\/\//],
    [{ addresses: ['http://a:1/eureka?x=1'] }, /query/],
    [{ addresses: ['http://a:1'], renewEveryMs: 60_000 }, /renewEveryMs/],
    [{ addresses: ['http://a:1'], pollMs: 1 }, /pollMs/],
  ])('refuses the Eureka options %j and says why', (options, message) => {
    expect(() => createDriver('eureka', options, environment)).toThrow(message);
  });

  it('makes a Nacos driver', async () => {
    const options = {
      addresses: ['http://127.0.0.1:1'],
      credentials: { name: 'nacos', password: 's3cret' },
    };
    const driver = createDriver('nacos', options, environment);
    expect(driver.kind).toBe('nacos');
    expect(driver.facts()).toMatchObject({ address: 'http://127.0.0.1:1/nacos' });
    await driver.stop();
  });

  it.each([
    [{ addresses: [] }, /addresses/],
    [{ addresses: ['10.0.0.1:8848'] }, /'10\.0\.0\.1:8848'.*http:\/\//],
    [{ addresses: ['http://reader:s3cret@a:1'] }, /registry\.credentials\.account/],
    [{ addresses: ['http://a:1'], namespace: 'a b' }, /namespace/],
    [{ addresses: ['http://a:1'], tenants: [{ domain: 'd', projects: ['a.b'] }] }, /'a\.b'/],
  ])('refuses the Nacos options %j and says why', (options, message) => {
    expect(() => createDriver('nacos', options, environment)).toThrow(message);
  });

  it('makes a Consul driver', async () => {
    const options = { addresses: ['https://127.0.0.1:1/'], credentials: { token: 's3cret' } };
    const driver = createDriver('consul', options, environment);
    expect(driver.kind).toBe('consul');
    expect(driver.facts()).toMatchObject({ address: 'https://127.0.0.1:1', findings: {} });
    await driver.stop();
  });

  it.each([
    [{ addresses: [] }, /addresses/],
    [{ addresses: ['10.0.0.1:8500'] }, /'10\.0\.0\.1:8500'.*http:\/\//],
    [{ addresses: ['http://a:1/v1'] }, /take the rest away/],
    [{ addresses: ['http://reader:s3cret@a:1'] }, /registry\.credentials\.token/],
    [{ addresses: ['http://a:1'], credentials: { name: 'a', password: 'b' } }, /token/],
    [{ addresses: ['http://a:1'], datacentre: 'dc1' }, /datacentre/],
  ])('refuses the Consul options %j and says why', (options, message) => {
    expect(() => createDriver('consul', options, environment)).toThrow(message);
  });

  it.each([
    ['serviceCentre', 'servicecenter'],
    ['service-center', 'servicecenter'],
    ['Eurika', 'eureka'],
    ['consull', 'consul'],
  ])('names the nearest driver for "%s": %s', (name, nearest) => {
    expect(() => createDriver(name, {}, environment)).toThrow(
      `no registry driver '${name}'; the nearest is '${nearest}'`,
    );
    expect(driverNames).toContain(nearest);
  });

  it.each(['', 'toString', 'etcd'])('names what there is for "%s"', (name) => {
    expect(() => createDriver(name, {}, environment)).toThrow(
      `no registry driver '${name}' (there are: ${driverNames.join(', ')})`,
    );
  });

  it.each([
    [{ addresses: [] }, /addresses/],
    [{ addresses: ['10.0.0.1:30100'] }, /'10\.0\.0\.1:30100'.*http:\/\//],
    [{ addresses: ['http://a:1/path'] }, /take the rest away/],
    [{ addresses: ['http://a:1'], pollMinMs: -1 }, /pollMinMs/],
    [{ addresses: ['http://a:1'], pollMs: 1 }, /pollMs/],
    [{ addresses: ['http://a:1'], tenants: [{ domain: '', projects: ['p'] }] }, /domain/],
    [{ addresses: ['http://a:1'], tenants: [{ domain: 'd', projects: [] }] }, /'d' has no project/],
    ['http://a:1', /options/],
  ])('refuses the options %j and says why', (options, message) => {
    expect(() => createDriver('servicecenter', options, environment)).toThrow(message);
  });
});
