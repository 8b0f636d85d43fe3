// The contract suite's fixture over a real ServiceCenter.

import { setTimeout as wait } from 'node:timers/promises';
import { createServiceCenterDriver } from '../../../daemon/registry/servicecenter/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import type { RegistryFixture } from '../../contract/registry-driver.ts';
import { serviceCenterNative } from '../../contract/servicecenter-native.ts';
import { startServiceCenter, type ServiceCenterSettings } from '../../support/servicecenter.ts';

/** Two tenants, so that the second one is always in play. */
const tenants = [
  { domain: 'default', projects: ['default'] },
  { domain: 'second', projects: ['other'] },
];

/** Starts a server; each fixture is a server of its own. */
export async function realFixture(
  settings: ServiceCenterSettings = {},
): Promise<RegistryFixture & { readonly address: string }> {
  const center = await startServiceCenter(settings);
  return {
    address: center.address,
    createDriver: (options = {}) =>
      createServiceCenterDriver(
        {
          addresses: [center.address],
          tenants,
          requestTimeoutMs: 2_000,
          ownersWaitMs: 2_000,
          ...options,
        },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    native: serviceCenterNative(center.address),
    async restart(data) {
      await center.end('stop');
      await center.begin({ emptyData: data === 'lose' });
    },
    async outage(meanwhile) {
      await center.end('kill');
      try {
        await meanwhile();
      } finally {
        await center.begin();
      }
    },
    async pause(forMs) {
      center.freeze();
      try {
        await wait(forMs);
      } finally {
        center.thaw();
      }
    },
    close: () => center.close(),
  };
}
