// The contract suite's fixture over the lab registry.

import { startLabRegistry } from '../../daemon/lab/lab.ts';
import { createServiceCenterDriver } from '../../daemon/registry/servicecenter/driver.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { poll } from '../support/poll.ts';
import type { RegistryFixture } from './registry-driver.ts';
import { serviceCenterNative } from './servicecenter-native.ts';

/** Longer than any outage of the suite; each ends its own. */
const outageMs = 5_000;

/** Starts a lab; each fixture is one of its own. */
export async function labFixture(): Promise<RegistryFixture> {
  const lab = await startLabRegistry({ port: 0 });
  return {
    createDriver: (options = {}) =>
      createServiceCenterDriver(
        {
          addresses: [lab.url],
          tenants: [
            { domain: 'default', projects: ['default'] },
            { domain: 'second', projects: ['other'] },
          ],
          requestTimeoutMs: 2_000,
          ownersWaitMs: 2_000,
          ...options,
        },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    native: serviceCenterNative(lab.url),
    restart: (data) => lab.faults.set({ restart: { data, downMs: 1_000 } }),
    async outage(meanwhile) {
      const back = lab.faults.set({ refuseMs: outageMs });
      await poll(
        async () => {
          const answer = await fetch(lab.url).catch(() => undefined);
          await answer?.arrayBuffer();
          return answer === undefined ? true : undefined;
        },
        outageMs,
        10,
      );
      await meanwhile();
      await back;
    },
    pause: (forMs) => lab.faults.set({ pauseMs: forMs }),
    close: () => lab.close(),
  };
}
