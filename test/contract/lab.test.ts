// The contract suite on the lab registry.

import { labFixture } from './lab-fixture.ts';
import { describeRegistryDriver } from './registry-driver.ts';

describeRegistryDriver('lab', labFixture);
