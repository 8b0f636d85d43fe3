// What the control API needs of the rest of the daemon. `syncer.ts` passes it in; tests pass a
// small one of their own.

import type { GossipPool, PoolTrouble } from '../gossip/pool.ts';
import type { ClusterOperations } from '../cluster/operations.ts';
import type { CheckContext } from '../diagnostics/check.ts';
import type { JoinState } from '../membership/join-keeper.ts';
import type { PoolView } from '../membership/peers.ts';
import type { Rules } from '../model/rules.ts';
import type { AuditLog } from '../store/ports.ts';
import type { SyncEngine } from '../sync/engine.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type {
  LookupRequest,
  LookupResponse,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import type { ErrorCode } from '../../proto/errors.ts';
import type { MessageParameters } from '../../proto/translate.ts';

/** Who this daemon is. */
export interface DaemonIdentity {
  readonly cluster: string;
  readonly node: string;
  /** Of the product. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly dataDirectory: string;
}

/** A link on which a peer reads our export; what it measures only the peer knows. */
export interface ExportLink {
  readonly cluster: string;
  readonly state: 'connecting' | 'connected' | 'silent' | 'left';
  readonly reason: string;
  readonly sinceMs: number;
  readonly transport: 'subscribe' | 'push';
  /** What the peer has acknowledged; `undefined`: nothing yet. */
  readonly acknowledgedRevision: number | undefined;
}

/** What the pool is known to suffer from, and since when. */
interface RecentTrouble extends PoolTrouble {
  readonly lastMs: number;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  /** The part that spoke (`gossip`, `sync`, ...); empty: the daemon as a whole. */
  readonly part: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The log ring: the last lines, and what follows. Lines are redacted before they get here. */
export interface LogSource {
  /** The oldest first. */
  recent(): readonly LogEntry[];
  onLine(listener: (entry: LogEntry) => void): () => void;
}

interface ConfigValue {
  readonly key: string;
  /** Plain data; a secret is `'(hidden)'`. */
  readonly value: unknown;
  /** `default`, `file …`, `environment …`, `flag …`. */
  readonly source: string;
  /** Not to be changed through the control API (a flag or the environment fixes it). */
  readonly locked: boolean;
  /** Takes effect without a restart. */
  readonly live: boolean;
  /** What it is for, by language, where a registry driver brings the key. */
  readonly about?: Readonly<Record<string, string>>;
}

export interface ConfigView {
  /** Changes with every applied change. */
  readonly version: string;
  /** Empty: no file. */
  readonly file: string;
  readonly values: readonly ConfigValue[];
  readonly previousVersion: string | undefined;
}

/** `value: undefined`: back to the default. */
export interface ConfigEdit {
  readonly key: string;
  readonly value: unknown;
}

/** One mistake; its text and remedy are those of the error table. */
export interface ConfigMistake {
  readonly code: ErrorCode;
  readonly parameters: MessageParameters;
  readonly key: string;
}

export interface ConfigVerdict {
  readonly problems: readonly ConfigMistake[];
  /** Keys whose change takes a restart. */
  readonly restartKeys: readonly string[];
}

export interface ConfigOutcome extends ConfigVerdict {
  /** The version in force afterwards; the old one where there were problems. */
  readonly version: string;
}

type ParsedRules =
  | { readonly ok: true; readonly rules: Rules }
  | { readonly ok: false; readonly problems: readonly ConfigMistake[] };

/** The configuration as the control API reads and changes it. */
export interface ConfigAccess {
  view(): ConfigView;
  validate(edits: readonly ConfigEdit[]): ConfigVerdict;
  /** Rejects with `config.changed-meanwhile` when `expectedVersion` is not the present one. */
  apply(expectedVersion: string, edits: readonly ConfigEdit[]): Promise<ConfigOutcome>;
  /** Back to the previous version. Rejects as `apply` does. */
  rollBack(expectedVersion: string): Promise<ConfigOutcome>;
  /** Rules as YAML or JSON text, for a plan that tries them. */
  parseRules(text: string): ParsedRules;
}

/** A link that opens the page, once. */
export interface UiLink {
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

/** Everything behind the control API. */
export interface ControlBackend {
  readonly identity: DaemonIdentity;
  readonly engine: SyncEngine;
  /** `undefined`: the daemon runs without a pool. */
  readonly pool: GossipPool | undefined;
  readonly audit: AuditLog;
  readonly logs: LogSource;
  readonly config: ConfigAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `undefined`: one syncer alone (`mode: single`). */
  readonly replicas: ClusterOperations | undefined;
  joinState(): JoinState | undefined;
  poolView(): PoolView | undefined;
  /** Troubles of the last minutes, one per code and source. */
  troubles(): readonly RecentTrouble[];
  exportLinks(): readonly ExportLink[];
  /** What the self-checks look at, as of now. */
  checkContext(): CheckContext;
  /** One page of a peer's export, over its RPC port. Rejects when the peer cannot be asked. */
  lookup(cluster: string, request: LookupRequest, signal: AbortSignal): Promise<LookupResponse>;
  /** Changes of membership, links or configuration; changes of sync come from the engine. */
  onChange(listener: () => void): () => void;
  /** Makes a link to the page. Throws `ui.not-served`. */
  uiLink(): UiLink;
  /** Ends the daemon gracefully, after the answer has gone out. */
  shutdown(reason: string): void;
  /** Leaves the pool for good, then ends the daemon. Resolves when peers have been told. */
  leave(): Promise<void>;
}
