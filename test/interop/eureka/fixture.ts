// The contract suite's fixture over a real Eureka, reached by a line that can be cut: a Eureka that is
// restarted has lost everything, so "with its data" is a cut line, and "without" a new process.

import { setTimeout as wait } from 'node:timers/promises';
import { createEurekaDriver } from '../../../daemon/registry/eureka/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import type { RegistryFixture } from '../../contract/registry-driver.ts';
import { layLine } from './cut-line.ts';
import { eurekaNative } from './eureka-native.ts';
import { startEureka } from './eureka-server.ts';

/** How long a restart takes that keeps the data. */
const cutMs = 1_000;

/** Starts a server; each fixture is a server of its own. */
export async function eurekaFixture(): Promise<RegistryFixture> {
  const server = await startEureka();
  const line = await layLine(server.port);
  return {
    servicesNeedInstances: true,
    refusedService: { name: 'a/b' },
    createDriver: (options = {}) =>
      createEurekaDriver(
        {
          addresses: [`http://127.0.0.1:${line.port}/eureka`],
          requestTimeoutMs: 2_000,
          ownersWaitMs: 2_000,
          ...options,
        },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    // Straight to the server: applications have their own line.
    native: eurekaNative(server.url),
    async restart(data) {
      await line.cut();
      if (data === 'lose') await server.restart();
      else await wait(cutMs);
      await line.mend();
    },
    async outage(meanwhile) {
      await line.cut();
      try {
        await meanwhile();
      } finally {
        await line.mend();
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
      await line.close();
      await server.close();
    },
  };
}
