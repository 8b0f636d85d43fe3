// Every request of the control API, and what answers it.

import type {
  ControlServiceServer,
  HeldSelection as HeldSelectionMessage,
  PauseResponse,
} from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import { userInfo } from 'node:os';
import { runChecks } from '../diagnostics/run-checks.ts';
import type { GossipPool, KeyOperation } from '../gossip/pool.ts';
import type { HeldSelection } from '../sync/engine.ts';
import { controlApi, rangesOverlap } from '../../proto/control/api-version.ts';
import { topologyOf } from '../../proto/topology.ts';
import { editsOf, viewConfig, viewOutcome, viewProblem, viewVerdict } from './config-view.ts';
import { findInstance, listInstances } from './instance-list.ts';
import { streamLogs } from './log-stream.ts';
import { replicasOf, viewCluster } from './cluster-view.ts';
import type { ControlBackend } from './ports.ts';
import { runQuery } from './query.ts';
import {
  viewActivity,
  viewExplanation,
  viewInstance,
  viewInstanceDetail,
  viewPlan,
  viewService,
} from './row-view.ts';
import type { Serve } from './serve.ts';
import { listServices } from './service-list.ts';
import { listMembers, viewState } from './state-view.ts';
import { watchState } from './state-watch.ts';

const usualActivityLimit = 100;
const largestActivityLimit = 1_000;

/** Gives the handlers of one daemon. */
export function createHandlers(backend: ControlBackend, serve: Serve): ControlServiceServer {
  const { engine } = backend;
  return {
    getVersion: serve.unary((request) => ({
      version: backend.identity.version,
      apiMin: controlApi.min,
      apiMax: controlApi.max,
      compatible: rangesOverlap(controlApi, { min: request.apiMin, max: request.apiMax }),
      runtime: `node ${process.version}`,
      pid: process.pid,
      startedMs: backend.identity.startedMs,
      dataDirectory: backend.identity.dataDirectory,
      user: userInfo().username,
    })),

    getState: serve.unary(() => viewState(backend)),
    watchState: serve.stream((request, signal) =>
      watchState(backend, request.minIntervalMs, signal),
    ),
    getTopology: serve.unary(() => topologyOf(viewState(backend))),

    listServices: serve.unary((request) => {
      const { rows, total } = listServices(engine, request);
      return { rows: rows.map(viewService), total };
    }),
    listInstances: serve.unary((request) => {
      const { rows, total } = listInstances(engine, request);
      return { rows: rows.map(viewInstance), total, nowMs: backend.clock.nowMs() };
    }),
    getInstance: serve.unary((request) =>
      viewInstanceDetail(findInstance(engine, request.instanceId, request.serviceId)),
    ),
    explain: serve.unary(async ({ subject }) => {
      requireText('subject', subject);
      return viewExplanation(await engine.explain(subject));
    }),
    plan: serve.unary(({ rules }) => {
      if (rules === undefined) return viewPlan(engine.plan());
      const parsed = backend.config.parseRules(rules);
      if (parsed.ok) return viewPlan(engine.plan(parsed.rules));
      return { items: [], unchanged: 0, leftOut: [], problems: parsed.problems.map(viewProblem) };
    }),

    listHeld: serve.unary(({ cluster }) => ({
      held: engine
        .held()
        .filter((held) => cluster === '' || held.cluster === cluster)
        .map((held) => ({ ...held })),
    })),
    approve: serve.unary((selection) => ({ count: engine.approve(selectionOf(selection)) })),
    keep: serve.unary(({ selection, untilMs }) => ({
      count: engine.keep(selectionOf(selection), untilMs),
    })),
    pause: serve.unary(({ cluster }) => {
      engine.pause(knownPeer(backend, cluster));
      return pausedNow(backend);
    }),
    resume: serve.unary(({ cluster }) => {
      engine.resume(knownPeer(backend, cluster));
      return pausedNow(backend);
    }),

    listMembers: serve.unary(({ status, cluster }) => ({
      members: listMembers(backend).filter(
        (member) =>
          (status === '' || member.status === status) &&
          (cluster === '' || member.cluster === cluster),
      ),
    })),
    query: serve.unary((request, signal) => runQuery(backend, request, signal)),
    leave: serve.unary(async () => {
      poolOf(backend);
      await backend.leave();
      return {};
    }),
    forceLeave: serve.unary(async ({ node, prune }) => {
      const pool = poolOf(backend);
      if (!pool.members().some(({ name }) => name === node)) {
        throw new SyncerError('request.not-found', { kind: 'member', name: node });
      }
      await pool.forceLeave(node, prune);
      return {};
    }),
    keys: serve.unary(async ({ operation, key }) => {
      const outcome = await poolOf(backend).keys(
        keyOperationOf(operation, key),
        key === '' ? undefined : key,
      );
      return {
        asked: outcome.asked,
        answered: outcome.answered,
        errors: { ...outcome.errors },
        keys: { ...outcome.keys },
        primaryKeys: { ...outcome.primaryKeys },
      };
    }),

    getCluster: serve.unary(() => viewCluster(backend)),
    transferLeader: serve.unary(async () => replicasOf(backend).transferLeader()),
    removeReplica: serve.unary(async ({ node, rejoin }) => {
      requireText('node', node);
      await replicasOf(backend).remove(node, rejoin);
      return {};
    }),

    listActivity: serve.unary(async (request) => {
      const limit = Math.min(request.limit || usualActivityLimit, largestActivityLimit);
      const entries = await backend.audit.read({
        ...(request.cluster === '' ? {} : { cluster: request.cluster }),
        ...(request.service === '' ? {} : { service: request.service }),
        ...(request.instance === '' ? {} : { instance: request.instance }),
        ...(request.beforeMs === undefined ? {} : { beforeMs: request.beforeMs }),
        limit,
      });
      const { action } = request;
      return {
        entries: entries
          .filter((entry) => action === '' || entry.action === action)
          .map(viewActivity),
      };
    }),
    streamLogs: serve.stream((request, signal) => streamLogs(backend.logs, request, signal)),
    runDiagnostics: serve.stream(({ checks }, signal) =>
      runChecks(backend.checkContext(), checks, signal),
    ),

    getConfig: serve.unary(() => viewConfig(backend.config.view())),
    validateConfig: serve.unary(({ changes }) =>
      viewVerdict(backend.config.validate(editsOf(changes))),
    ),
    applyConfig: serve.unary(async ({ expectedVersion, changes }) =>
      viewOutcome(await backend.config.apply(expectedVersion, editsOf(changes))),
    ),
    rollBackConfig: serve.unary(async ({ expectedVersion }) =>
      viewOutcome(await backend.config.rollBack(expectedVersion)),
    ),

    makeUiLink: serve.unary(() => backend.uiLink()),

    shutdown: serve.unary(({ reason }) => {
      // The answer goes out first: the server waits for open calls when it stops.
      setImmediate(() => backend.shutdown(reason));
      return {};
    }),
  };
}

function requireText(argument: string, value: string): void {
  if (value !== '') return;
  throw new SyncerError('request.wrong-argument', {
    argument,
    value: "''",
    expected: 'a name or id',
  });
}

function poolOf(backend: ControlBackend): GossipPool {
  if (backend.pool === undefined) throw new SyncerError('control.no-pool');
  return backend.pool;
}

/** Pausing a cluster that nobody knows is a misspelling, not a success. */
function knownPeer({ engine }: ControlBackend, cluster: string): string | undefined {
  if (cluster === '') return undefined;
  const status = engine.status();
  if (status.peers.some((peer) => peer.cluster === cluster)) return cluster;
  throw new SyncerError('request.not-found', { kind: 'cluster', name: cluster });
}

function pausedNow({ engine }: ControlBackend): PauseResponse {
  const status = engine.status();
  return {
    pausedAll: status.pausedAll,
    pausedClusters: status.peers.filter((peer) => peer.paused).map((peer) => peer.cluster),
  };
}

function selectionOf(message: HeldSelectionMessage | undefined): HeldSelection {
  const which = message?.which;
  switch (which?.$case) {
    case 'ids':
      return { ids: which.ids.ids };
    case 'cluster':
      return { cluster: which.cluster };
    case 'all':
      if (which.all) return { all: true };
      break;
    case undefined:
      break;
  }
  throw new SyncerError('request.wrong-argument', {
    argument: 'selection',
    value: 'nothing',
    expected: 'ids, a cluster, or all',
  });
}

const keyOperations: readonly string[] = ['list', 'install', 'use', 'remove'];
const keyLengths: readonly number[] = [16, 24, 32];

/** Keys are base64 of 16, 24 or 32 bytes (serf-wire.md, keyring). */
function keyOperationOf(operation: string, key: string): KeyOperation {
  if (!keyOperations.includes(operation)) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'operation',
      value: operation,
      expected: keyOperations.join(', '),
    });
  }
  if (operation !== 'list' && !keyLengths.includes(Buffer.from(key, 'base64').length)) {
    throw new SyncerError('request.wrong-argument', {
      // The key itself is a secret and is not repeated.
      argument: 'key',
      value: '(hidden)',
      expected: 'base64 of 16, 24 or 32 bytes',
    });
  }
  return operation as KeyOperation;
}
