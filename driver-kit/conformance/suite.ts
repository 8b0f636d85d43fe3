// The promises of a registry driver (daemon/registry/README.md), all of them.

import type { Lacks, RegistryFixture } from './fixture.ts';
import { instanceWritingContract } from './instance-writing.ts';
import { outageContract } from './outages.ts';
import { readingContract } from './reading.ts';
import { serviceWritingContract } from './service-writing.ts';

/** Collects the whole suite; `makeFixture` gives a new, empty registry each time. */
export function collectPromises(
  makeFixture: () => Promise<RegistryFixture>,
  lacks: Lacks = {},
): void {
  readingContract(makeFixture, lacks);
  serviceWritingContract(makeFixture);
  instanceWritingContract(makeFixture);
  outageContract(makeFixture, lacks);
}
