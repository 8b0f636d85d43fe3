import { describe, expect, it } from 'vitest';
import { systemClock } from '../support/clock.ts';
import { silentLogger } from '../support/logger.ts';
import { seededRandom } from '../support/random.ts';
import { createDriver, driverNames } from './drivers.ts';

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

  it.each(['serviceCentre', 'service-center', '', 'toString'])(
    'names the nearest driver for "%s"',
    (name) => {
      expect(() => createDriver(name, {}, environment)).toThrow(
        `no registry driver '${name}'; the nearest is 'servicecenter'`,
      );
      expect(driverNames).toContain('servicecenter');
    },
  );

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
