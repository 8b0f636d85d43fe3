// The contract suite's fixture over a real Consul that keeps its data.

import { setTimeout as wait } from 'node:timers/promises';
import { createConsulDriver } from '../../../daemon/registry/consul/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import type { RegistryFixture } from '../../contract/registry-driver.ts';
import { consulNative } from './consul-native.ts';
import { startConsul } from './consul-server.ts';

/** Starts a server; each fixture is a server of its own. */
export async function consulFixture(): Promise<RegistryFixture> {
  const server = await startConsul({ data: true });
  const native = consulNative(server.url);
  return {
    servicesNeedInstances: true,
    refusedService: { name: 'consul' },
    createDriver: (options = {}) =>
      createConsulDriver(
        {
          addresses: [server.url],
          cluster: 'north',
          requestTimeoutMs: 2_000,
          ownersWaitMs: 2_000,
          ...options,
        },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    native,
    async restart(data) {
      await server.stop();
      if (data === 'lose') await server.forget();
      await server.start();
    },
    async outage(meanwhile) {
      await server.stop();
      try {
        await meanwhile();
      } finally {
        await server.start();
      }
    },
    async pause(forMs) {
      server.freeze();
      try {
        await wait(forMs);
      } finally {
        server.thaw();
      }
    },
    async close() {
      native.close();
      await server.close();
    },
  };
}
