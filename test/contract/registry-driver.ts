// The contract of RegistryDriver (daemon/registry/README.md): what every driver must show on its
// registry. A driver's test calls `describeRegistryDriver` with a fixture.

import { describe } from 'vitest';
import type { Service } from '../../daemon/model/service.ts';
import type { RegistryDriver } from '../../daemon/registry/driver.ts';
import type { NativeApplication } from './native-application.ts';
import { outageContract } from './outage-contract.ts';
import { readingContract } from './reading-contract.ts';
import { instanceWritingContract } from './instance-writing-contract.ts';
import { serviceWritingContract } from './service-writing-contract.ts';

/** One registry, alone, with an application at it and the means to disturb it. */
export interface RegistryFixture {
  /**
   * A new driver, not started, with short waits: 2 s deadline, 2 s for owners where no lease is
   * known. `pollMinMs`: the interval between rounds.
   */
  createDriver(options?: { readonly pollMinMs?: number }): RegistryDriver;
  readonly native: NativeApplication;
  /** Stops the registry (connections are refused) and starts it again, with its data or without. */
  restart(data: 'keep' | 'lose'): Promise<void>;
  /** Stops the registry, does `meanwhile`, starts it again with its data. */
  outage(meanwhile: () => Promise<void>): Promise<void>;
  /** Freezes the registry: connections stay, nothing is answered, leases run. */
  pause(forMs: number): Promise<void>;
  close(): Promise<void>;
  /** A service is there while it has instances, and only then. */
  readonly servicesNeedInstances?: boolean;
  /** What makes a service that this registry refuses for good; a version that is none unless given. */
  readonly refusedService?: Partial<Service>;
}

/** Runs the whole suite. `makeFixture` gives a new, empty registry each time. */
export function describeRegistryDriver(
  name: string,
  makeFixture: () => Promise<RegistryFixture>,
): void {
  describe(`registry driver contract: ${name}`, () => {
    readingContract(makeFixture);
    serviceWritingContract(makeFixture);
    instanceWritingContract(makeFixture);
    outageContract(makeFixture);
  });
}
