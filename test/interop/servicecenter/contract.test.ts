// The contract suite on a real ServiceCenter.

import { describe, it } from 'vitest';
import { describeRegistryDriver } from '../../contract/registry-driver.ts';
import { serviceCenterBinary } from '../../support/servicecenter.ts';
import { realFixture } from './fixture.ts';

if ('missing' in serviceCenterBinary) {
  const { missing } = serviceCenterBinary;
  describe('registry driver contract: ServiceCenter', () => {
    it.skip(`skipped: ${missing}`, () => undefined);
  });
} else {
  describeRegistryDriver('ServiceCenter', realFixture);
}
