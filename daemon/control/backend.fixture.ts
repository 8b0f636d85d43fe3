// A daemon for the tests of the control API and the command line: every answer is set by the test,
// every order is written down.

import { because } from '../model/reason.ts';
import type { GossipPool, PoolMember } from '../gossip/pool.ts';
import type { InstanceRow, PeerStatus, SyncEngine, SyncStatus } from '../sync/engine.ts';
import { silentLogger } from '../support/logger.ts';
import { systemClock } from '../support/clock.ts';
import type { ConfigView, ControlBackend, LogEntry } from './ports.ts';

const startedMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A peer in sync, heard just now. */
export function peerStatus(more: Partial<PeerStatus> = {}): PeerStatus {
  const nowMs = Date.now();
  return {
    cluster: 'shanghai',
    link: 'connected',
    linkReason: '',
    sinceMs: nowMs - 60_000,
    lastHeardMs: nowMs,
    originHealth: 'healthy',
    originReason: '',
    provenEqualMs: nowMs - 2_000,
    clockOffsetMs: 3,
    roundTripMs: 12,
    services: 4,
    instances: 212,
    copies: 212,
    pending: 0,
    held: 0,
    expiresAtMs: undefined,
    paused: false,
    lag: {
      windowSeconds: 300,
      samples: 40,
      p50Ms: 84,
      p99Ms: 290,
      worstMs: 310,
      lastSampleMs: nowMs - 500,
    },
    ...more,
  };
}

export function syncStatus(more: Partial<SyncStatus> = {}): SyncStatus {
  return {
    cluster: 'beijing',
    role: 'leader',
    registry: {
      kind: 'servicecenter',
      address: 'http://127.0.0.1:30100',
      version: '1.4.8',
      findings: { 'batch-heartbeat': '1.x' },
      roundMs: 12,
      intervalMs: 120,
    },
    condition: { state: 'answering' },
    conditionSinceMs: startedMs,
    pausedAll: false,
    nativeServices: 3,
    nativeInstances: 1_204,
    foreignServices: 4,
    foreignInstances: 212,
    exportedServices: 3,
    exportedInstances: 1_204,
    exportEpoch: 'e1',
    exportRevision: 812,
    queue: { waiting: 0, inFlight: 0, writesPerSecond: 0, etaMs: undefined },
    leases: { kept: 212, inTimeShare: 1, lastRoundMs: startedMs },
    peers: [peerStatus()],
    conflicts: 0,
    storeTrouble: undefined,
    ...more,
  };
}

/** The row number `index` of a large registry. */
export function instanceRow(index: number, more: Partial<InstanceRow> = {}): InstanceRow {
  const id = `i-${String(index).padStart(6, '0')}`;
  const serviceId = `s-${String(index % 500).padStart(3, '0')}`;
  return {
    key: {
      domain: 'default',
      project: 'default',
      environment: '',
      app: 'shop',
      name: `svc-${String(index % 500).padStart(3, '0')}`,
      version: '1.0.0',
    },
    instance: {
      serviceId,
      instanceId: id,
      endpoints: [`rest://10.0.${index % 250}.7:${8_000 + (index % 1_000)}`],
      hostName: `host-${index}`,
      status: 'UP',
      properties: { zone: 'a' },
      healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
      dataCenterInfo: undefined,
      version: '1.0.0',
    },
    originCluster: index % 3 === 0 ? 'beijing' : 'shanghai',
    originServiceId: serviceId,
    originInstanceId: `o-${index}`,
    state: index % 3 === 0 ? 'native' : 'in-sync',
    stateReason: undefined,
    leaseUntilMs: undefined,
    expiresAtMs: undefined,
    sinceMs: startedMs + index,
    ...more,
  };
}

export function poolMember(
  name: string,
  cluster: string,
  more: Partial<PoolMember> = {},
): PoolMember {
  return {
    name,
    address: '10.0.0.10',
    port: 30_190,
    status: 'alive',
    tags: {
      'syncer-cluster-name': cluster,
      'syncer-rpc-port': '30191',
      'syncer-cluster-port': '30192',
      'syncer-tls-enabled': 'false',
      'syncer-api': '1',
    },
    roundTripMs: 1.5,
    sinceMs: startedMs,
    ...more,
  };
}

export interface FixtureBackend extends ControlBackend {
  /** What was ordered, in order (`pause shanghai`). */
  readonly orders: string[];
  status: SyncStatus;
  rows: readonly InstanceRow[];
  members: readonly PoolMember[];
  /** Missing at first: one syncer alone. */
  replicas: ControlBackend['replicas'];
  /** Tells the watchers that something changed. */
  changed(): void;
  /** Writes one line to the log. */
  log(entry: LogEntry): void;
}

/** Gives a backend; `more` replaces parts of its engine or pool. */
export function fixtureBackend(
  dataDirectory: string,
  more: { readonly engine?: Partial<SyncEngine>; readonly pool?: Partial<GossipPool> } = {},
): FixtureBackend {
  const orders: string[] = [];
  const changeListeners = new Set<() => void>();
  const logListeners = new Set<(entry: LogEntry) => void>();
  const kept: LogEntry[] = [];
  const order = (text: string): void => void orders.push(text);
  const listen = (listener: () => void): (() => void) => {
    changeListeners.add(listener);
    return () => changeListeners.delete(listener);
  };

  const backend: FixtureBackend = {
    orders,
    status: syncStatus(),
    rows: [],
    members: [poolMember('bj-1', 'beijing'), poolMember('sh-1', 'shanghai')],
    identity: { cluster: 'beijing', node: 'bj-1', version: '9.9.9', startedMs, dataDirectory },
    engine: engineOf(() => backend, order, listen, more.engine),
    pool: poolOf(() => backend, order, more.pool),
    audit: {
      append: () => undefined,
      read: async ({ cluster, limit }) =>
        [
          {
            timeMs: startedMs,
            action: 'removed',
            cluster: 'shanghai',
            service: 'payments',
            instance: 'i-7',
            reason: because('tombstone', { revision: 812 }),
          },
        ]
          .filter((entry) => cluster === undefined || entry.cluster === cluster)
          .slice(0, limit),
    },
    logs: {
      recent: () => kept,
      onLine: (listener) => {
        logListeners.add(listener);
        return () => logListeners.delete(listener);
      },
    },
    config: {
      view: (): ConfigView => ({
        version: 'v1',
        file: '',
        previousVersion: undefined,
        values: [{ key: 'node', value: 'bj-1', source: '--node', locked: true, live: false }],
      }),
      validate: () => ({ problems: [], restartKeys: [] }),
      apply: async () => ({ version: 'v2', problems: [], restartKeys: ['node'] }),
      rollBack: async () => ({ version: 'v1', problems: [], restartKeys: [] }),
      parseRules: (text) =>
        text.includes('wrong')
          ? {
              ok: false,
              problems: [
                {
                  code: 'config.unknown-key',
                  key: 'wrong',
                  parameters: { key: 'wrong', source: 'rules:1', nearest: 'none' },
                },
              ],
            }
          : { ok: true, rules: { export: [], import: [], absence: { kind: 'keep' } } },
    },
    clock: systemClock,
    logger: silentLogger,
    replicas: undefined,
    joinState: () => ({
      addresses: ['10.0.0.11:30190'],
      state: 'joined',
      attempts: 1,
      failures: [],
    }),
    poolView: () => ({ peers: [], conflicts: [], replicas: [] }),
    troubles: () => [],
    exportLinks: () => [
      {
        cluster: 'shanghai',
        state: 'connected',
        reason: '',
        sinceMs: startedMs,
        transport: 'subscribe',
        acknowledgedRevision: 812,
      },
    ],
    checkContext: () => ({
      clock: systemClock,
      dataDirectory,
      storeFile: `${dataDirectory}/absent.db`,
      bind: { host: '127.0.0.1', port: 0 },
      rpc: { host: '127.0.0.1', port: 0 },
      advertise: undefined,
      joinAddresses: [],
      registryAddresses: [],
      etcd: undefined,
      running: {
        ...{ node: 'bj-1', sync: backend.status, members: backend.members },
        etcd: undefined,
      },
    }),
    lookup: async () => ({ records: [], nextPageToken: '', total: 0 }),
    onChange: listen,
    uiLink: () => ({ url: 'http://127.0.0.1:30193/open/once', expiresMs: startedMs + 300_000 }),
    shutdown: (reason) => order(`shutdown ${reason}`),
    leave: async () => order('leave'),
    changed: () => changeListeners.forEach((listener) => listener()),
    log: (entry) => {
      kept.push(entry);
      logListeners.forEach((listener) => listener(entry));
    },
  };
  return backend;
}

function engineOf(
  backend: () => FixtureBackend,
  order: (text: string) => void,
  listen: (listener: () => void) => () => void,
  more: Partial<SyncEngine> = {},
): SyncEngine {
  const never = (): never => {
    throw new Error('the control API must not call this');
  };
  return {
    get exportSource(): never {
      return never();
    },
    start: never,
    stop: never,
    peer: never,
    wake: never,
    setRules: never,
    status: () => backend().status,
    services: () => [
      {
        ...instanceRow(1).key,
        name: 'payments',
        serviceId: 's-1',
        madeBy: 'native',
        nativeInstances: 2,
        foreignInstances: { shanghai: 3 },
      },
      {
        ...instanceRow(1).key,
        name: 'Orders',
        serviceId: 's-2',
        madeBy: 'shanghai',
        nativeInstances: 0,
        foreignInstances: { shanghai: 5, 'lab-1': 1 },
      },
    ],
    instances: ({ cluster, state, text }) =>
      backend().rows.filter(
        (row) =>
          (cluster === undefined || row.originCluster === cluster) &&
          (state === undefined || row.state === state) &&
          (text === undefined ||
            row.key.name.includes(text) ||
            row.instance.instanceId.includes(text) ||
            row.originInstanceId.includes(text)),
      ),
    explain: async (subject) =>
      subject === 'payments'
        ? {
            subject,
            found: 'service',
            verdict: [because('verdict-service', { natives: 2, copies: 3 })],
            steps: [{ timeMs: startedMs, code: 'native', text: because('application-in-it') }],
            history: [],
          }
        : {
            subject,
            found: 'nothing',
            verdict: [because('verdict-nothing')],
            steps: [],
            history: [],
          },
    plan: (rules) => ({
      items: [
        {
          action: 'remove',
          cluster: 'shanghai',
          service: instanceRow(1).key,
          originInstanceId: 'o-1',
          instanceId: 'i-1',
          reason:
            rules === undefined
              ? because('tombstone', { revision: 812 })
              : because('excluded', { rule: 'no-lab' }),
          held: false,
          changes: [],
        },
      ],
      unchanged: 211,
      leftOut: [{ reason: because('excluded', { rule: 'no-lab' }), count: 2 }],
    }),
    held: () => [
      {
        id: '3f1c',
        cluster: 'shanghai',
        originServiceId: 's-1',
        originInstanceId: 'o-1',
        heldSinceMs: startedMs,
        reason: because('absent', { cluster: 'shanghai' }),
        decision: 'waiting',
      },
    ],
    approve: (selection) => {
      order(`approve ${JSON.stringify(selection)}`);
      return 1;
    },
    keep: (selection, untilMs) => {
      order(`keep ${JSON.stringify(selection)} ${untilMs === undefined ? 'always' : 'until'}`);
      return 1;
    },
    pause: (cluster) => order(`pause ${cluster ?? 'all'}`),
    resume: (cluster) => order(`resume ${cluster ?? 'all'}`),
    lookup: () => [],
    exported: () => undefined,
    onChange: listen,
    ...more,
  };
}

function poolOf(
  backend: () => FixtureBackend,
  order: (text: string) => void,
  more: Partial<GossipPool> = {},
): GossipPool {
  const never = (): never => {
    throw new Error('the control API must not call this');
  };
  return {
    node: 'bj-1',
    start: never,
    join: never,
    leave: never,
    close: never,
    setTags: never,
    sendEvent: never,
    answer: never,
    stats: never,
    onEvent: never,
    members: () => backend().members,
    forceLeave: async (node, prune) => order(`force-leave ${node}${prune ? ' prune' : ''}`),
    query: async () => ({ acks: [], responses: [], asked: 2 }),
    keys: async (operation, key) => {
      order(`keys ${operation} ${key ?? ''}`.trim());
      return { asked: 2, answered: 2, errors: {}, keys: { AAAA: 2 }, primaryKeys: { AAAA: 2 } };
    },
    ...more,
  };
}
