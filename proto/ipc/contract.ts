// What a page may ask, and of whom. `daemon` is served by whoever stands between the page and the
// control API: the Electron main process (over IPC) or the daemon's own web server (over HTTP).
// `desktop` exists in Electron only. Requests are checked against these schemas on the far side.

import { z } from 'zod';
import type {
  ApplyConfigResponse,
  ConfigState,
  CountResponse,
  DiagnosticResult,
  Explanation,
  ForceLeaveResponse,
  InstanceDetail,
  KeysResponse,
  LeaveResponse,
  ListActivityResponse,
  ListHeldResponse,
  ListInstancesResponse,
  ListServicesResponse,
  LogLine,
  PauseResponse,
  PlanResponse,
  QueryResponse,
  State,
  Topology,
  ValidateConfigResponse,
  VersionResponse,
} from '../gen/syncer/control/v1/control.ts';
import { call, stream, type Client, type Handlers } from './verbs.ts';
import { settingsPatch, type Settings, type SettingsState } from './settings.ts';

const name = z.string().max(1024);
const page = z.strictObject({
  offset: z.int().min(0),
  limit: z.int().min(1).max(10_000),
  sortBy: name,
  descending: z.boolean(),
});
const nothing = z.strictObject({});
const selection = z.union([
  z.strictObject({ ids: z.array(name).max(100_000) }),
  z.strictObject({ cluster: name }),
  z.strictObject({ all: z.literal(true) }),
]);
const configChange = z.strictObject({ key: name, valueJson: z.string().max(65_536).optional() });

/** Passed to the control API of the daemon as they are. */
export const daemonContract = {
  version: call<VersionResponse>()(nothing),
  watchState: stream<State>()(z.strictObject({ minIntervalMs: z.number().min(0) })),
  topology: call<Topology>()(nothing),
  services: call<ListServicesResponse>()(z.strictObject({ page, text: name, cluster: name })),
  instances: call<ListInstancesResponse>()(
    z.strictObject({ page, text: name, cluster: name, state: name }),
  ),
  instance: call<InstanceDetail>()(z.strictObject({ instanceId: name, serviceId: name })),
  explain: call<Explanation>()(z.strictObject({ subject: name })),
  plan: call<PlanResponse>()(z.strictObject({ rules: z.string().max(1_048_576).optional() })),
  held: call<ListHeldResponse>()(z.strictObject({ cluster: name })),
  approve: call<CountResponse>()(z.strictObject({ selection })),
  keep: call<CountResponse>()(z.strictObject({ selection, untilMs: z.number().optional() })),
  pause: call<PauseResponse>()(z.strictObject({ cluster: name })),
  resume: call<PauseResponse>()(z.strictObject({ cluster: name })),
  query: call<QueryResponse>()(z.strictObject({ service: name, instance: name })),
  leave: call<LeaveResponse>()(nothing),
  forceLeave: call<ForceLeaveResponse>()(z.strictObject({ node: name, prune: z.boolean() })),
  keys: call<KeysResponse>()(
    z.strictObject({ operation: z.enum(['list', 'install', 'use', 'remove']), key: name }),
  ),
  activity: call<ListActivityResponse>()(
    z.strictObject({
      cluster: name,
      service: name,
      instance: name,
      action: name,
      beforeMs: z.number().optional(),
      limit: z.int().min(1).max(1000),
    }),
  ),
  logs: stream<LogLine>()(
    z.strictObject({ level: name, part: name, tail: z.int().min(0).max(10_000) }),
  ),
  diagnostics: stream<DiagnosticResult>()(z.strictObject({ checks: z.array(name).max(100) })),
  config: call<ConfigState>()(nothing),
  validateConfig: call<ValidateConfigResponse>()(
    z.strictObject({ changes: z.array(configChange).max(1000) }),
  ),
  applyConfig: call<ApplyConfigResponse>()(
    z.strictObject({ expectedVersion: name, changes: z.array(configChange).max(1000) }),
  ),
  rollBackConfig: call<ApplyConfigResponse>()(z.strictObject({ expectedVersion: name })),
} as const;

/** What the supervisor knows of the daemon's process (main/README.md). */
export interface DaemonProcess {
  readonly state:
    | 'stopped'
    | 'starting'
    | 'running'
    | 'degraded'
    | 'stopping'
    /** Gave up: `reason` says why, `lastLines` what it printed. */
    | 'failed'
    /** Runs, but was started by somebody else (a service): watched, not supervised. */
    | 'attached';
  readonly pid: number | undefined;
  readonly sinceMs: number;
  readonly restarts: number;
  readonly reason: string;
  readonly lastLines: readonly string[];
}

/** Only in the desktop shell. */
export const desktopContract = {
  watchProcess: stream<DaemonProcess>()(nothing),
  start: call<null>()(nothing),
  stop: call<null>()(nothing),
  restart: call<null>()(nothing),
  /** Renames a configuration file of the daemon that cannot be read, and begins a new one. */
  setConfigAside: call<{ readonly path: string }>()(nothing),
  settings: call<SettingsState>()(nothing),
  changeSettings: call<SettingsState>()(z.strictObject({ changes: settingsPatch })),
  watchSettings: stream<Settings>()(nothing),
  /** Tries a registry address as the wizard does; gives what answered. */
  probeRegistry: call<ProbeResult>()(z.strictObject({ address: name })),
  /** Tries a gossip address. */
  probeJoin: call<ProbeResult>()(z.strictObject({ address: name })),
  /** The support bundle: what it would hold, then the file. */
  previewBundle: call<BundlePreview>()(nothing),
  saveBundle: call<{ readonly path: string }>()(nothing),
  exportSettings: call<{ readonly path: string }>()(nothing),
  importSettings: call<SettingsState>()(nothing),
  openLogs: call<null>()(nothing),
} as const;

export interface ProbeResult {
  readonly ok: boolean;
  /** What was found (`servicecenter`, `gossip`, `rpc-port`, `http`, `nothing`). */
  readonly found: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

export interface BundlePreview {
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly text: string;
  }[];
}

export type DaemonClient = Client<typeof daemonContract>;
export type DesktopClient = Client<typeof desktopContract>;
export type DaemonHandlers = Handlers<typeof daemonContract>;
export type DesktopHandlers = Handlers<typeof desktopContract>;
