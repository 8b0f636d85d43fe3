// What the suite asks for: one registry, alone, with an application at it and the means to disturb it.

import type { Service } from '../../daemon/model/service.ts';
import type { RegistryDriver } from '../../daemon/registry/driver.ts';
import type { NativeApplication } from './native-application.ts';

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

/**
 * What a registry lacks by its nature, with the reason: the promises about it do not apply, and the
 * report says so. `native-leases`: instances of applications stay until they are taken away.
 * `pause`: nothing can freeze it.
 */
export type Lacks = Readonly<Partial<Record<'native-leases' | 'pause', string>>>;

/** The fixture of a driver from outside: the suite makes the driver itself, as the syncer does. */
export type DriverFixture = Omit<RegistryFixture, 'createDriver'> & {
  /** The driver's own options for this registry. `pollMinMs`: the interval between rounds. */
  options(wish: { readonly pollMinMs?: number }): Readonly<Record<string, unknown>>;
};
