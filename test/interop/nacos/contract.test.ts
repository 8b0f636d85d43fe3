// The contract suite on a real Nacos.

import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeRegistryDriver } from '../../contract/registry-driver.ts';
import { nacosFixture } from './fixture.ts';
import {
  fastLists,
  nacosTool,
  requireToolInCi,
  startLimitMs,
  startNacos,
  type NacosServer,
} from './nacos-server.ts';

if ('missing' in nacosTool) {
  requireToolInCi();
  const { missing } = nacosTool;
  describe('registry driver contract: Nacos', () => {
    it.skip(`skipped: ${missing}`, () => undefined);
  });
} else {
  let server: NacosServer;
  // Building the first server takes half a minute, and longer on a busy machine.
  beforeAll(async () => {
    server = await startNacos({ properties: fastLists });
  }, startLimitMs);
  afterAll(() => server.close());
  describeRegistryDriver('Nacos', () => nacosFixture(server));
}
