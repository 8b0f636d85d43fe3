// Asks every cluster of the pool what it holds, and puts the answers side by side. Who did not
// answer is named: silence is not "no".

import { readTags } from '../membership/tags.ts';
import type { PoolMember } from '../gossip/pool.ts';
import type { LookupHit } from '../sync/engine.ts';
import type {
  ClusterAnswer,
  QueryHit,
  QueryRequest,
  QueryResponse,
} from '../../proto/gen/syncer/control/v1/control.ts';
import type { Record as LookupRecord } from '../../proto/gen/syncer/replication/v1/replication.ts';
import { asSyncerError, SyncerError } from '../../proto/errors.ts';
import { decodeAnswer, encodeLookup, hitsOf, lookupQuery } from './lookup.ts';
import type { ControlBackend } from './ports.ts';

const usualLimit = 100;
/** Most records of one cluster in one answer. */
const largestLimit = 5_000;
/** Records in one page over RPC. */
const pageSize = 500;

/** Runs one query. Throws `control.no-pool` and `request.wrong-argument`. */
export async function runQuery(
  backend: ControlBackend,
  request: QueryRequest,
  signal: AbortSignal,
): Promise<QueryResponse> {
  if (backend.pool === undefined) throw new SyncerError('control.no-pool');
  if (request.service === '') {
    throw new SyncerError('request.wrong-argument', {
      argument: 'service',
      value: "''",
      expected: 'a service name',
    });
  }
  const limit = Math.min(request.limit === 0 ? usualLimit : request.limit, largestLimit);
  const members = backend.pool.members();
  const outcome = await backend.pool.query(
    lookupQuery,
    encodeLookup(request.service, request.instance),
    { ...(request.timeoutMs > 0 ? { timeoutMs: request.timeoutMs } : {}), wantAck: true },
  );
  const answers = new Map<string, Promise<ClusterAnswer>>();
  for (const { from, payload } of outcome.responses) {
    const cluster = clusterOf(members, from);
    // Replicas of one cluster answer alike; the first speaks for it.
    if (cluster === undefined || answers.has(cluster)) continue;
    answers.set(
      cluster,
      completeAnswer(backend, { cluster, node: from, payload, limit }, request, signal),
    );
  }
  const acked = new Set(outcome.acks.map((node) => clusterOf(members, node)));
  const silent = new Set(
    members
      .filter(({ status }) => status === 'alive')
      .map((member) => readTags(member)?.cluster)
      // An acknowledgement without an answer means that it holds nothing of it.
      .filter((cluster) => cluster !== undefined && !answers.has(cluster) && !acked.has(cluster)),
  );
  return {
    asked: outcome.asked,
    answers: (await Promise.all(answers.values())).sort((a, b) => (a.cluster < b.cluster ? -1 : 1)),
    silent: [...silent].filter((cluster) => cluster !== undefined).sort(),
  };
}

interface Answered {
  readonly cluster: string;
  readonly node: string;
  readonly payload: Uint8Array;
  readonly limit: number;
}

async function completeAnswer(
  backend: ControlBackend,
  answered: Answered,
  request: QueryRequest,
  signal: AbortSignal,
): Promise<ClusterAnswer> {
  const { cluster, node, limit } = answered;
  const response = decodeAnswer(answered.payload);
  if (response === undefined) {
    return { cluster, node, hits: [], total: 0, truncated: false, error: 'unreadable answer' };
  }
  let records: readonly LookupRecord[] = response.records;
  let error = '';
  if (records.length < response.total) {
    try {
      records = await fetchRecords(backend, cluster, request, limit, signal);
    } catch (thrown) {
      error = asSyncerError(thrown).message;
    }
  }
  const shown = records.slice(0, limit);
  return {
    cluster,
    node,
    hits: hitsOf(shown).map(viewHit),
    total: response.total,
    truncated: shown.length < response.total,
    error,
  };
}

async function fetchRecords(
  backend: ControlBackend,
  cluster: string,
  request: QueryRequest,
  limit: number,
  signal: AbortSignal,
): Promise<readonly LookupRecord[]> {
  const records: LookupRecord[] = [];
  let pageToken = '';
  do {
    const page = await backend.lookup(
      cluster,
      { service: request.service, instance: request.instance, pageToken, pageSize },
      signal,
    );
    records.push(...page.records);
    // A peer that repeats its token, or sends empty pages for ever, is not followed.
    if (page.records.length === 0 || page.nextPageToken === pageToken) break;
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && records.length < limit);
  return records;
}

function clusterOf(members: readonly PoolMember[], node: string): string | undefined {
  const member = members.find(({ name }) => name === node);
  return member === undefined ? undefined : readTags(member)?.cluster;
}

function viewHit({ service, instances }: LookupHit): QueryHit {
  const { domain, project, environment, app, name, version } = service;
  return {
    service: { domain, project, environment, app, name, version },
    serviceId: service.serviceId,
    instances: instances.map((instance) => ({
      instanceId: instance.instanceId,
      endpoints: [...instance.endpoints],
      hostName: instance.hostName,
      status: instance.status,
    })),
  };
}
