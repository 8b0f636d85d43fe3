// What a self-check is given, and what it gives. One check, one file under `checks/`.

import type { PoolMember } from '../gossip/pool.ts';
import type { SyncStatus } from '../sync/engine.ts';
import type { Clock } from '../support/clock.ts';
import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { textOf, type TextValue } from '../../proto/health.ts';
import type { MessageKey } from '../../proto/translate.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** etcd as a running replica sees it. */
export interface EtcdSeen {
  readonly state: 'forming' | 'answering' | 'away';
  /** Why, for people; empty while it answers. */
  readonly detail: string;
  readonly version: string;
  readonly members: number;
}

/** What the checks look at: the configuration, and what a running daemon knows. */
export interface CheckContext {
  readonly clock: Clock;
  readonly dataDirectory: string;
  /** The SQLite file of the store; it may not be there yet. */
  readonly storeFile: string;
  readonly bind: HostPort;
  readonly rpc: HostPort;
  /** What peers dial; `undefined`: the bound address. */
  readonly advertise: HostPort | undefined;
  /** As configured: `host` or `host:port`. */
  readonly joinAddresses: readonly string[];
  /** URLs of the registry, in the order that they are tried. */
  readonly registryAddresses: readonly string[];
  /** `undefined`: no etcd is needed (mode single). */
  readonly etcd:
    | {
        /** The program that each replica runs, or the addresses of an etcd that runs anyway. */
        readonly place: string;
        readonly own: boolean;
        /** Gives its version. Rejects when it is missing, silent, or not supported. */
        probe(): Promise<string>;
      }
    | undefined;
  /** What the running daemon knows; `undefined`: no daemon runs on this data directory. */
  readonly running:
    | {
        readonly node: string;
        readonly sync: SyncStatus;
        readonly members: readonly PoolMember[];
        /** In cluster mode. */
        readonly etcd: EtcdSeen | undefined;
      }
    | undefined;
}

type CheckStatus = 'ok' | 'warn' | 'fail' | 'skipped';

/** What one check found. A skipped one says why in its text. */
export interface CheckFinding {
  readonly status: CheckStatus;
  readonly text: Text;
  /** `undefined`: nothing to do. */
  readonly remedy: Text | undefined;
}

export interface CheckResult extends CheckFinding {
  readonly id: string;
  readonly durationMs: number;
}

export interface Check {
  /** Stable; the name that `syncer doctor NAME` takes. */
  readonly id: string;
  /** Never rejects for what it looks for; a rejection is shown as a failed check. */
  run(context: CheckContext, signal: AbortSignal): Promise<CheckFinding>;
}

type Values = Readonly<Record<string, TextValue>>;

export function ok(key: MessageKey, values: Values = {}): CheckFinding {
  return { status: 'ok', text: textOf(key, values), remedy: undefined };
}

export function skipped(key: MessageKey, values: Values = {}): CheckFinding {
  return { status: 'skipped', text: textOf(key, values), remedy: undefined };
}

export function warn(key: MessageKey, remedy: MessageKey, values: Values = {}): CheckFinding {
  return { status: 'warn', text: textOf(key, values), remedy: textOf(remedy, values) };
}

export function fail(key: MessageKey, remedy: MessageKey, values: Values = {}): CheckFinding {
  return { status: 'fail', text: textOf(key, values), remedy: textOf(remedy, values) };
}
