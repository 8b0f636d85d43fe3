// @servicecenter-syncer/driver-kit: everything that a registry driver is written with. README.md is its
// documentation; the names here are the version 1 of the driver API.

export {
  defineDriver,
  driverApi,
  type DriverDefinition,
  type DriverDraft,
  type DriverOption,
  type LocalText,
  type OptionValues,
  type PluginDriver,
  type PluginEnvironment,
} from '../daemon/registry/plugin/definition.ts';
export type { ContentRules } from '../daemon/registry/plugin/content-rules.ts';

export type {
  EnsuredService,
  InstanceRef,
  RegistryChange,
  RegistryCondition,
  RegistryFacts,
  RegistryMemory,
  RegistryObserver,
  ServiceRef,
  UnknownReason,
  WriteFailure,
  WriteResult,
} from '../daemon/registry/driver.ts';
export {
  leaseSecondsOf,
  serviceKeyText,
  type DataCenterInfo,
  type HealthCheck,
  type Instance,
  type InstanceStatus,
  type Schema,
  type Service,
  type ServiceKey,
  type ServicePath,
  type StringMap,
} from '../daemon/model/service.ts';
export {
  readInstanceStamp,
  readServiceStamp,
  stampInstance,
  stampService,
  withoutStamp,
  type InstanceStamp,
} from '../daemon/model/stamp.ts';

export {
  createSnapshotFeed,
  type ReadingTrouble,
  type Snapshot,
  type SnapshotFeed,
} from '../daemon/registry/common/snapshot-feed.ts';
export { createRoundLoop, type RoundLoop } from '../daemon/registry/common/round-loop.ts';
export { createLeaseTable, type LeaseTable } from '../daemon/registry/common/lease-table.ts';
export { createKeyedLock, type KeyedLock } from '../daemon/registry/common/keyed-lock.ts';
export { eachLimited } from '../daemon/registry/common/each-limited.ts';
export { inBatches } from '../daemon/registry/common/batches.ts';
export { refusalToRemove, refusalToReplace } from '../daemon/registry/common/ownership.ts';
export {
  conflict,
  done,
  notOurs,
  tooLarge,
  type Failed,
} from '../daemon/registry/common/write-failure.ts';
export { classifyError, type CallFailure } from '../daemon/registry/common/call-failure.ts';
export { backoff, type Backoff } from '../daemon/support/backoff.ts';
export { sleep, systemClock, type Clock, type Timer } from '../daemon/support/clock.ts';
export { silentLogger, type Logger } from '../daemon/support/logger.ts';
export { systemRandom, type Random } from '../daemon/support/random.ts';
