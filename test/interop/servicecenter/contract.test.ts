// The contract suite on a real ServiceCenter.

import { describe, it } from 'vitest';
import { describeRegistryDriver } from '../../contract/registry-driver.ts';
import { serviceCenterBinary } from '../../support/servicecenter.ts';
import { realFixture } from './fixture.ts';

if ('missing' in serviceCenterBinary) {
  const { missing } = serviceCenterBinary;
  describe('registry driver contract: ServiceCenter', () => {
    it('holds on a real server', ({ skip }) => skip(missing));
  });
} else {
  describeRegistryDriver('ServiceCenter', realFixture);
}
