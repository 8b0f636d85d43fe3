// What the parts of the registry share.

import type { Clock } from '../support/clock.ts';
import type { Instance } from './content.ts';
import type { History } from './history.ts';
import type { Leases } from './leases.ts';
import type { Quotas } from './quotas.ts';
import type { InstanceRecord, Store } from './store.ts';

/** How a registry answers where releases differ (servicecenter-api.md §15). */
export type Dialect = '1.x' | '2.x';

/** A change of an instance, as the watch tells it. */
export interface InstanceEvent {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly record: InstanceRecord;
  readonly instance: Instance;
}

export interface Context {
  readonly clock: Clock;
  readonly store: Store;
  readonly leases: Leases<InstanceRecord>;
  readonly history: History;
  readonly quotas: Quotas;
  readonly dialect: Dialect;
  /** False: `enable_cache=0`, which changes the meaning of reads (§12). */
  readonly cacheEnabled: boolean;
  /** What share of its content the cache shows, 0 to 1; less than 1 is a cold cache. */
  readonly cache: { visibleShare: number };
  /** The name of the server, shown as `cluster` in the dump. */
  readonly name: string;
  readonly schemaEditable: boolean;
  readonly events: { instance(event: InstanceEvent): void };
}
