// The contract of RegistryDriver (daemon/registry/README.md) through vitest: the suite of the driver kit,
// each promise a test. A driver's test calls `describeRegistryDriver` with a fixture.

import { afterAll, beforeAll, describe, it } from 'vitest';
import { expect } from '../../driver-kit/conformance/expectation.ts';
import type { Lacks, RegistryFixture } from '../../driver-kit/conformance/fixture.ts';
import { withHarness, type Harness } from '../../driver-kit/conformance/harness.ts';
import { collectPromises } from '../../driver-kit/conformance/suite.ts';

export type { RegistryFixture } from '../../driver-kit/conformance/fixture.ts';

const throughVitest: Harness = {
  group: (name, concurrent, body) =>
    (concurrent ? describe.concurrent : describe)(name, () => withHarness(throughVitest, body)),
  promise(name, body) {
    it(name, (context) =>
      body({ expect, onTestFinished: (end) => context.onTestFinished(() => end()) }),
    );
  },
  inapplicable(name, reason) {
    it(name, ({ skip }) => skip(`does not apply: ${reason}`));
  },
  before: beforeAll,
  after: afterAll,
};

/** Runs the whole suite. `makeFixture` gives a new, empty registry each time. */
export function describeRegistryDriver(
  name: string,
  makeFixture: () => Promise<RegistryFixture>,
  lacks: Lacks = {},
): void {
  describe(`registry driver contract: ${name}`, () => {
    withHarness(throughVitest, () => collectPromises(makeFixture, lacks));
  });
}
