// Answers the daemon's contract for one scenario. Lists are filtered, sorted and paged by the
// daemon's own code, so that the page meets the real behaviour; orders change what is shown next.

import { setTimeout as sleep } from 'node:timers/promises';
import { listInstances, findInstance } from '../../../daemon/control/instance-list.ts';
import { viewInstance, viewInstanceDetail, viewService } from '../../../daemon/control/row-view.ts';
import { listServices } from '../../../daemon/control/service-list.ts';
import type { InstanceFilter, InstanceRow } from '../../../daemon/sync/engine.ts';
import type {
  Explanation,
  HeldRemoval,
  PauseResponse,
  PlanItem,
  State,
} from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOf } from '../../../proto/health.ts';
import type { DaemonHandlers } from '../../../proto/ipc/contract.ts';
import { RemoteError } from '../../../proto/ipc/verbs.ts';
import { FakeConfiguration } from './configuration.ts';
import { makeInstances, makeServices } from './instances.ts';
import type { Scenario } from './scenario.ts';
import { ownCluster, sitesOf } from './sites.ts';
import { makeState, makeTopology } from './state.ts';
import { makeActivity, makeDiagnostics, makeLogLine } from './story.ts';

export interface FakeDaemonOptions {
  readonly scenario: Scenario;
  /** Stands still when given: for pictures that are compared. */
  readonly frozenMs?: number;
}

/** Figures of so many seconds before are told at first, so that courses have something to show. */
const toldSeconds = 40;

/** Gives the handlers of a daemon that is as the scenario says. */
export function createFakeDaemon({ scenario, frozenMs }: FakeDaemonOptions): DaemonHandlers {
  const startMs = frozenMs ?? Date.now();
  const now = (): number => frozenMs ?? Date.now();
  const configuration = new FakeConfiguration();
  const paused = new Set<string>();
  let pausedAll = false;
  let rows: readonly InstanceRow[] = makeInstances(scenario, startMs);
  let held: readonly HeldRemoval[] = rows
    .filter(({ state }) => state === 'held')
    .map((row) => ({
      id: row.instance.instanceId,
      cluster: row.originCluster,
      originServiceId: row.originServiceId,
      originInstanceId: row.originInstanceId,
      heldSinceMs: startMs - 780_000,
      reason: row.stateReason,
      decision: 'waiting',
    }));
  const activity = [...makeActivity(rows, startMs)];

  const engine = {
    instances: (filter: InstanceFilter): Iterable<InstanceRow> => filtered(rows, filter),
    services: () => makeServices(rows),
    status: () => ({ cluster: ownCluster }) as never,
  };
  const state = (): State => {
    const waiting = new Map<string, number>();
    for (const { cluster } of held) waiting.set(cluster, (waiting.get(cluster) ?? 0) + 1);
    return makeState(scenario, startMs, now(), { pausedAll, paused, held: waiting });
  };
  const pauseAnswer = (): PauseResponse => ({ pausedAll, pausedClusters: [...paused] });
  const select = (selection: Selection): readonly HeldRemoval[] =>
    held.filter(({ id, cluster }) =>
      'ids' in selection
        ? selection.ids.includes(id)
        : 'cluster' in selection
          ? cluster === selection.cluster
          : true,
    );
  const broken = scenario === 'error';

  const handlers: DaemonHandlers = {
    version: async () => ({
      version: '0.1.0',
      apiMin: 1,
      apiMax: 1,
      compatible: true,
      runtime: 'node v24.21.0',
      pid: 4_242,
      startedMs: startMs - 7_320_000,
      dataDirectory: '/var/lib/syncer',
      user: 'syncer',
    }),
    async *watchState({ minIntervalMs }, signal) {
      const first = state();
      const { figures } = first;
      for (let second = toldSeconds; figures !== undefined && second > 0; second--) {
        const wave = scenario === 'empty' ? 0 : Math.round(3 * Math.sin(second / 4));
        yield {
          ...first,
          nowMs: now() - second * 1_000,
          figures: {
            ...figures,
            exportedInstances: figures.exportedInstances + wave,
            foreignInstances: figures.foreignInstances + (second > 15 ? 0 : wave),
          },
        };
      }
      while (!signal.aborted) {
        yield state();
        if (broken) throw failure();
        await sleep(Math.max(250, minIntervalMs), undefined, { signal }).catch(() => undefined);
      }
    },
    topology: async () => makeTopology(state(), scenario),
    services: async (request) => {
      const { rows: page, total } = listServices(engine, request);
      return { rows: page.map(viewService), total };
    },
    instances: async (request) => {
      const { rows: page, total } = listInstances(engine, request);
      return { rows: page.map(viewInstance), total, nowMs: now() };
    },
    instance: async ({ instanceId, serviceId }) =>
      viewInstanceDetail(findInstance(engine, instanceId, serviceId)),
    explain: async ({ subject }) => explain(rows, subject, activity),
    plan: async () => ({
      items: held.map((removal) => planItem(rows, removal)),
      unchanged: rows.length - held.length,
      leftOut: [],
      problems: [],
    }),
    held: async ({ cluster }) => ({
      held: held.filter((removal) => cluster === '' || removal.cluster === cluster),
    }),
    approve: async ({ selection }) => {
      const gone = new Set(select(selection).map(({ id }) => id));
      held = held.filter(({ id }) => !gone.has(id));
      rows = rows.filter(({ instance }) => !gone.has(instance.instanceId));
      return { count: gone.size };
    },
    keep: async ({ selection }) => {
      const kept = new Set(select(selection).map(({ id }) => id));
      held = held.map((one) => (kept.has(one.id) ? { ...one, decision: 'keep' } : one));
      return { count: kept.size };
    },
    pause: async ({ cluster }) => {
      if (cluster === '') pausedAll = true;
      else paused.add(cluster);
      return pauseAnswer();
    },
    resume: async ({ cluster }) => {
      if (cluster === '') pausedAll = false;
      else paused.delete(cluster);
      return pauseAnswer();
    },
    query: async ({ service }) => ({
      asked: sitesOf(scenario).length + 1,
      answers: engine
        .services()
        .filter(({ name }) => name === service)
        .slice(0, 1)
        .map((found) => ({
          cluster: 'shanghai',
          node: 'shanghai-1',
          hits: [
            {
              service: viewService(found).key,
              serviceId: found.serviceId,
              instances: rows
                .filter(
                  ({ key, originCluster }) => key.name === service && originCluster === 'shanghai',
                )
                .slice(0, 3)
                .map(({ instance }) => ({
                  instanceId: instance.instanceId,
                  endpoints: [...instance.endpoints],
                  hostName: instance.hostName,
                  status: instance.status,
                })),
            },
          ],
          total: 4,
          truncated: false,
          error: '',
        })),
      silent: sitesOf(scenario)
        .filter(({ link }) => link !== 'connected')
        .map(({ name }) => name),
    }),
    leave: async () => ({}),
    forceLeave: async () => ({}),
    keys: async () => ({
      asked: 3,
      answered: 3,
      errors: {},
      keys: { '5d41402a': 3 },
      primaryKeys: { '5d41402a': 3 },
    }),
    activity: async ({ cluster, service, instance, action, beforeMs, limit }) => ({
      entries: activity
        .filter(
          (entry) =>
            (cluster === '' || entry.cluster === cluster) &&
            (service === '' || entry.service === service) &&
            (instance === '' || entry.instance === instance) &&
            (action === '' || entry.action === action) &&
            (beforeMs === undefined || entry.timeMs < beforeMs),
        )
        .slice(0, limit),
    }),
    async *logs({ level, part, tail }, signal) {
      const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
      const wanted = (line: { readonly level: string; readonly part: string }): boolean =>
        order.indexOf(line.level) >= order.indexOf(level) && (part === '' || line.part === part);
      const kept = Array.from({ length: 120 }, (_, at) =>
        makeLogLine(at, startMs - (120 - at) * 900),
      );
      yield* kept.filter(wanted).slice(-tail);
      for (let at = 120; !signal.aborted; at++) {
        await sleep(1_000, undefined, { signal }).catch(() => undefined);
        const line = makeLogLine(at, now());
        if (frozenMs === undefined && wanted(line)) yield line;
      }
    },
    async *diagnostics({ checks }) {
      for (const result of makeDiagnostics(scenario)) {
        if (checks.length > 0 && !checks.includes(result.id)) continue;
        await sleep(15);
        yield result;
      }
    },
    config: async () => configuration.view(),
    validateConfig: async ({ changes }) => configuration.validate(changes),
    applyConfig: async ({ expectedVersion, changes }) =>
      configuration.apply(expectedVersion, changes),
    rollBackConfig: async ({ expectedVersion }) => configuration.rollBack(expectedVersion),
  };
  return broken ? breakAll(handlers) : handlers;
}

type Selection =
  { readonly ids: readonly string[] } | { readonly cluster: string } | { readonly all: true };

function* filtered(rows: readonly InstanceRow[], filter: InstanceFilter): Iterable<InstanceRow> {
  const text = filter.text?.toLowerCase() ?? '';
  for (const row of rows) {
    if (filter.cluster !== undefined && row.originCluster !== filter.cluster) continue;
    if (filter.state !== undefined && row.state !== filter.state) continue;
    if (text === '' || holds(row, text)) yield row;
  }
}

function holds({ key, instance, originInstanceId }: InstanceRow, text: string): boolean {
  return (
    key.name.includes(text) ||
    instance.instanceId.includes(text) ||
    originInstanceId.includes(text) ||
    instance.hostName.includes(text) ||
    instance.endpoints.some((endpoint) => endpoint.toLowerCase().includes(text))
  );
}

function explain(
  rows: readonly InstanceRow[],
  subject: string,
  activity: Explanation['history'],
): Explanation {
  const row = rows.find(({ instance, key, originInstanceId }) =>
    [instance.instanceId, originInstanceId, key.name, instance.serviceId].includes(subject),
  );
  if (row === undefined) {
    const verdict = textOf('reason.verdict-nothing');
    return { subject, found: 'nothing', verdict: [verdict], steps: [], history: [] };
  }
  const history = activity.filter(({ instance }) => instance === row.instance.instanceId);
  const steps =
    row.state === 'native'
      ? [
          {
            timeMs: undefined,
            code: 'native',
            text: textOf('reason.native', {
              service: `${row.key.app}/${row.key.name} ${row.key.version}`,
            }),
          },
          {
            timeMs: row.sinceMs,
            code: 'exported',
            text: textOf('reason.exported', { revision: 47_902, epoch: '01JDFB3Z8W' }),
          },
        ]
      : [
          {
            timeMs: row.sinceMs,
            code: 'received',
            text: textOf('reason.received', { revision: 47_902, cluster: row.originCluster }),
          },
          {
            timeMs: undefined,
            code: 'import',
            text: textOf('reason.import', {
              cluster: row.originCluster,
              id: row.originServiceId.slice(0, 12),
              place: `${row.key.app}/${row.key.name}`,
            }),
          },
          {
            timeMs: undefined,
            code: row.state,
            text: row.stateReason ?? textOf('reason.copy-in-sync'),
          },
          {
            timeMs: row.leaseUntilMs,
            code: 'lease',
            text: textOf('reason.lease-end'),
          },
        ];
  const verdict =
    row.state === 'native'
      ? textOf('reason.verdict-native')
      : textOf(`reason.verdict-${row.state}`, { cluster: row.originCluster });
  return { subject, found: 'instance', verdict: [verdict], steps, history };
}

function planItem(rows: readonly InstanceRow[], removal: HeldRemoval): PlanItem {
  const row = rows.find(({ instance }) => instance.instanceId === removal.id);
  return {
    action: 'remove',
    cluster: removal.cluster,
    service: row === undefined ? undefined : viewInstance(row).key,
    originInstanceId: removal.originInstanceId,
    instanceId: removal.id,
    reason: removal.reason,
    held: true,
    changes: [],
  };
}

function failure(): RemoteError {
  const parameters = { address: '/var/lib/syncer/control.sock', seconds: 5 };
  return new RemoteError({ code: 'control.no-answer', parameters, message: 'no answer' });
}

/** Every call fails as it does when the daemon hangs; the first state still comes. */
function breakAll(handlers: DaemonHandlers): DaemonHandlers {
  const reject = async (): Promise<never> => {
    throw failure();
  };
  const names = Object.keys(handlers).filter(
    (name) => !['watchState', 'logs', 'diagnostics'].includes(name),
  );
  const streams = {
    // eslint-disable-next-line require-yield -- it fails before its first item
    async *logs(): AsyncGenerator<never> {
      throw failure();
    },
    // eslint-disable-next-line require-yield -- it fails before its first item
    async *diagnostics(): AsyncGenerator<never> {
      throw failure();
    },
  };
  return { ...handlers, ...Object.fromEntries(names.map((name) => [name, reject])), ...streams };
}
