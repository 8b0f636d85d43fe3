// What the synchronisation of one registry offers to the rest of the daemon: the export for
// replication, a sink per peer, and everything that a person may ask or order. Implemented by
// `sync-engine.ts`; `control/` shows it.

import type { Reason } from '../model/reason.ts';
import type { ExportRecord, ExportSource, ImportSink, LinkState } from '../model/records.ts';
import type { GuardLimits, Rules } from '../model/rules.ts';
import type { Instance, Service, ServiceKey } from '../model/service.ts';
import type { RegistryCondition, RegistryFacts } from '../registry/driver.ts';
import type { AuditEntry, HeldRemoval } from '../store/ports.ts';

/** A figure measured over a window, with its age; `undefined` figures were not measured. */
export interface LagFigures {
  readonly windowSeconds: number;
  readonly samples: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly worstMs: number | undefined;
  /** When the last sample was taken, milliseconds since 1970. */
  readonly lastSampleMs: number | undefined;
}

export interface PeerStatus {
  readonly cluster: string;
  readonly link: LinkState;
  readonly linkReason: string;
  readonly sinceMs: number;
  /** Last heartbeat or record, milliseconds since 1970; `undefined`: never in this process. */
  readonly lastHeardMs: number | undefined;
  readonly originHealth: 'healthy' | 'unknown';
  readonly originReason: string;
  /** When digests last proved equality with the peer's export. */
  readonly provenEqualMs: number | undefined;
  readonly clockOffsetMs: number | undefined;
  readonly roundTripMs: number | undefined;
  /** Records held of the peer's export. */
  readonly services: number;
  readonly instances: number;
  /** Copies in the local registry, and those still to be written. */
  readonly copies: number;
  readonly pending: number;
  readonly held: number;
  /** Copies that go when nothing is heard until then (the earliest), milliseconds since 1970. */
  readonly expiresAtMs: number | undefined;
  readonly paused: boolean;
  /** Origin change → readable through the local registry's own API. */
  readonly lag: LagFigures;
}

export interface SyncStatus {
  readonly cluster: string;
  readonly role: 'leader' | 'follower';
  readonly registry: RegistryFacts;
  readonly condition: RegistryCondition;
  readonly conditionSinceMs: number;
  readonly pausedAll: boolean;
  readonly nativeServices: number;
  readonly nativeInstances: number;
  readonly foreignServices: number;
  readonly foreignInstances: number;
  readonly exportedServices: number;
  readonly exportedInstances: number;
  readonly exportEpoch: string;
  readonly exportRevision: number;
  readonly queue: {
    readonly waiting: number;
    readonly inFlight: number;
    readonly writesPerSecond: number;
    /** At the present rate; `undefined` when nothing waits or no rate is known. */
    readonly etaMs: number | undefined;
  };
  readonly leases: {
    readonly kept: number;
    /** Renewed before two thirds of their lease had passed, of the last round; 0 to 1. */
    readonly inTimeShare: number | undefined;
    readonly lastRoundMs: number | undefined;
  };
  readonly peers: readonly PeerStatus[];
  readonly conflicts: number;
  /** The store's trouble, if it has one (disk full, ...). */
  readonly storeTrouble: string | undefined;
}

export interface ServiceRow extends ServiceKey {
  readonly serviceId: string;
  /** Who made the service in the local registry; `native` for an application. */
  readonly madeBy: string;
  readonly nativeInstances: number;
  /** Cluster → copies of its instances. */
  readonly foreignInstances: Readonly<Record<string, number>>;
}

export interface InstanceRow {
  readonly key: ServiceKey;
  readonly instance: Instance;
  /** Our own cluster's name for a native one. */
  readonly originCluster: string;
  readonly originServiceId: string;
  readonly originInstanceId: string;
  readonly state:
    /** An application's own. */
    | 'native'
    /** A copy that equals its origin. */
    | 'in-sync'
    /** Waits in the write queue, or failed and is retried. */
    | 'pending'
    /** The origin is silent; the copy is kept for now. */
    | 'kept'
    /** Its removal waits for a person. */
    | 'held'
    | 'quarantined'
    /** Known from the peer, and left out by a rule or a conflict. */
    | 'left-out';
  /** `undefined`: the state says it all. */
  readonly stateReason: Reason | undefined;
  /** End of the copy's lease as we last renewed it, milliseconds since 1970. */
  readonly leaseUntilMs: number | undefined;
  /** When the absence policy removes it, if nothing is heard. */
  readonly expiresAtMs: number | undefined;
  /** When we first saw this content. */
  readonly sinceMs: number;
}

/** One step of the answer to "why is this here, or not?". */
export interface ExplainStep {
  readonly timeMs: number | undefined;
  /** Stable code (`native`, `exported`, `export-rule`, `received`, `import-rule`, `conflict`, `written`, ...). */
  readonly code: string;
  readonly text: Reason;
}

export interface Explanation {
  readonly subject: string;
  /** What was found: a service, an instance, nothing. */
  readonly found: 'service' | 'instance' | 'nothing';
  /** Sentences. */
  readonly verdict: readonly Reason[];
  readonly steps: readonly ExplainStep[];
  readonly history: readonly AuditEntry[];
}

export type PlanAction =
  | 'create-service'
  | 'update-service'
  | 'remove-service'
  | 'release-service'
  | 'add'
  | 'update'
  | 'remove';

export interface PlanItem {
  readonly action: PlanAction;
  readonly cluster: string;
  readonly service: ServiceKey;
  readonly originInstanceId: string;
  readonly instanceId: string;
  /** Why (new at its origin, its tombstone, a rule that excludes it). */
  readonly reason: Reason;
  /** Removals that wait for a person. */
  readonly held: boolean;
  /** Names of the fields that differ, for updates. */
  readonly changes: readonly string[];
}

export interface PlanView {
  readonly items: readonly PlanItem[];
  /** Instances that are as they should be. */
  readonly unchanged: number;
  /** Known from peers and left out, by reason. */
  readonly leftOut: readonly { readonly reason: Reason; readonly count: number }[];
}

/** One record of what a cluster exports or holds, for `syncer-lookup`. */
export interface LookupHit {
  readonly service: Service;
  readonly instances: readonly Instance[];
}

export interface SyncEngine {
  readonly exportSource: ExportSource;
  /** Loads the store, starts the driver, keeps the registry as it should be. */
  start(): Promise<void>;
  /** Drains the write queue for up to `drainMs`, then stops. Removes nothing. */
  stop(drainMs: number): Promise<void>;
  /** The sink for one peer cluster; made on first use. */
  peer(cluster: string): ImportSink;
  /** A hint that the registry or a peer changed. */
  wake(): void;

  status(): SyncStatus;
  services(): readonly ServiceRow[];
  /** All rows that the filter lets through, unsorted; `control/` sorts and pages. */
  instances(filter: InstanceFilter): Iterable<InstanceRow>;
  explain(subject: string): Promise<Explanation>;
  /** What would be written now; with `rules`, what these would change. Writes nothing. */
  plan(rules?: Rules): PlanView;
  held(): readonly HeldRemoval[];
  /** Lets held removals happen (all of a cluster, or the named ones). Gives how many. */
  approve(selection: HeldSelection): number;
  /** Keeps the copies until `untilMs` (`undefined`: until their origin names them again). */
  keep(selection: HeldSelection, untilMs: number | undefined): number;
  /** Stops writing for one peer, or for all. Leases are still renewed. */
  pause(cluster: string | undefined): void;
  resume(cluster: string | undefined): void;
  setRules(rules: Rules, limits: GuardLimits): void;
  /** Native services (exact name, or every one) with their instances, of this cluster's export. */
  lookup(service: string, instance: string | undefined): Iterable<LookupHit>;
  /** One record of our export by its key, or `undefined`. */
  exported(key: string): ExportRecord | undefined;
  onChange(listener: () => void): () => void;
}

export interface InstanceFilter {
  readonly cluster?: string;
  readonly state?: InstanceRow['state'];
  /** Part of a service name, id, endpoint, host name; case does not count. */
  readonly text?: string;
}

export type HeldSelection =
  { readonly ids: readonly string[] } | { readonly cluster: string } | { readonly all: true };
