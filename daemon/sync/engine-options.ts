// What the engine is made from.

import type { GuardLimits, Rules } from '../model/rules.ts';
import type { RegistryDriver } from '../registry/driver.ts';
import type { Store } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { SyncRole } from './writer-epoch.ts';

export interface SyncEngineOptions {
  /** This cluster's name. */
  readonly cluster: string;
  readonly driver: RegistryDriver;
  readonly store: Store;
  readonly rules: Rules;
  readonly limits: GuardLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Missing: one syncer alone, which always writes. */
  readonly role?: SyncRole;
}
