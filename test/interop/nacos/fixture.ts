// The contract suite's fixture over a real Nacos, reached by a line that can be cut and stopped. One
// server serves all fixtures, each in namespaces of its own: what a restart without data is to a driver,
// a cut line and emptied namespaces are too. surprises.test.ts restarts real servers.

import { setTimeout as wait } from 'node:timers/promises';
import { createNacosDriver } from '../../../daemon/registry/nacos/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import type { RegistryFixture } from '../../contract/registry-driver.ts';
import { layLine } from '../eureka/cut-line.ts';
import { nacosNative } from './nacos-native.ts';
import type { NacosServer } from './nacos-server.ts';

/** How long a restart takes that keeps the data. */
const cutMs = 1_000;

let counter = 0;

/** Gives fixtures at one server. */
export async function nacosFixture(server: NacosServer): Promise<RegistryFixture> {
  counter += 1;
  const namespace = `contract-${counter}`;
  // Only one fixture at a time uses the second; all empty it before they end.
  const projects = ['default', 'other'];
  const line = await layLine(server.port);
  const native = nacosNative(server.url, namespace, projects);
  return {
    servicesNeedInstances: true,
    refusedService: { name: 'a b' },
    createDriver: (options = {}) =>
      createNacosDriver(
        {
          addresses: [`http://127.0.0.1:${line.port}/nacos`],
          tenants: [{ domain: 'default', projects }],
          namespace,
          requestTimeoutMs: 2_000,
          ownersWaitMs: 2_000,
          ...options,
        },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    // Straight to the server: applications have their own line.
    native,
    async restart(data) {
      await line.cut();
      if (data === 'lose') await native.wipe();
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
      line.hold();
      try {
        await wait(forMs);
      } finally {
        line.release();
      }
    },
    async close() {
      await line.close();
      await native.wipe();
      await native.close();
    },
  };
}
