// The driver and a real ServiceCenter that wants a login (RBAC; 2.x alone has it).

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  createServiceCenterDriver,
  type ServiceCenterOptions,
} from '../../../daemon/registry/servicecenter/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { sampleService, value } from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import {
  serviceCenterBinary,
  startServiceCenter,
  type RealServiceCenter,
} from '../../support/servicecenter.ts';

const missing =
  'missing' in serviceCenterBinary
    ? serviceCenterBinary.missing
    : serviceCenterBinary.is2x
      ? undefined
      : 'SERVICECENTER_BIN is a 1.x: only 2.x knows logins';
const account = { name: 'root', password: 'Complicated_password1' };

describe('a real ServiceCenter with logins', () => {
  let center: RealServiceCenter;

  beforeAll(async () => {
    if (missing !== undefined) return;
    center = await startServiceCenter({ rootPassword: account.password });
  });
  afterAll(async () => {
    if (missing === undefined) await center.close();
  });

  const start = (options: Pick<ServiceCenterOptions, 'credentials'>): ObservedDriver => {
    const driver = observe(
      createServiceCenterDriver(
        { addresses: [center.address], requestTimeoutMs: 5_000, ...options },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    );
    onTestFinished(() => driver.stop());
    return driver;
  };

  it('takes a name and a password, and logs in again when its token holds no more', async ({
    skip,
  }) => {
    if (missing !== undefined) skip(missing);
    const observed = start({ credentials: account });
    const { signal } = new AbortController();
    const make = async (): Promise<void> => {
      const made = value(await observed.driver.ensureService(sampleService(), 'west', signal));
      const ref = { domain: 'default', project: 'default', serviceId: made.serviceId };
      await observed.until(() => observed.service(ref));
    };
    await make();
    await center.end('stop');
    center.renewTokenKeys();
    await center.begin();
    await make();
  });

  it.for<[string, Pick<ServiceCenterOptions, 'credentials'>]>([
    ['no login', {}],
    ['a token that it never gave', { credentials: { token: 'e30.e30.e30' } }],
    ['a wrong password', { credentials: { ...account, password: 'Wrong_password_1' } }],
  ])('is unknown for its rights with %s, and nothing is told', async ([, options], { skip }) => {
    if (missing !== undefined) skip(missing);
    const observed = start(options);
    await observed.untilCondition('refused-rights');
    expect(observed.changes).toEqual([]);
  });
});
