// The contract suite on a real Eureka.

import { describe, it } from 'vitest';
import { describeRegistryDriver } from '../../contract/registry-driver.ts';
import { eurekaTool, requireToolInCi } from './eureka-server.ts';
import { eurekaFixture } from './fixture.ts';

if ('missing' in eurekaTool) {
  requireToolInCi();
  const { missing } = eurekaTool;
  describe('registry driver contract: Eureka', () => {
    it.skip(`skipped: ${missing}`, () => undefined);
  });
} else {
  describeRegistryDriver('Eureka', eurekaFixture);
}
