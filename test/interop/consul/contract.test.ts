// The contract suite on a real Consul.

import { describe, it } from 'vitest';
import { describeRegistryDriver } from '../../contract/registry-driver.ts';
import { consulTool, requireToolAtNight } from './consul-server.ts';
import { consulFixture } from './fixture.ts';

if ('missing' in consulTool) {
  requireToolAtNight();
  const { missing } = consulTool;
  describe(`registry driver contract: Consul (skipped: ${missing})`, () => {
    it.skip('the whole suite', () => undefined);
  });
} else {
  describeRegistryDriver('Consul', consulFixture);
}
