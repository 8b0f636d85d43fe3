// The list of instances, filtered, sorted and paged on the daemon's side.

import type { InstanceFilter, InstanceRow, SyncEngine } from '../sync/engine.ts';
import { SyncerError } from '../../proto/errors.ts';
import { takePage, type Compare, type TakenPage } from './page.ts';
import { pageOf, type PageWish } from './page-request.ts';

type Column = (row: InstanceRow) => string | number;

/** Columns that the list can be sorted by; unknown times come last. */
const columns: Readonly<Record<string, Column>> = {
  service: (row) => row.key.name,
  app: (row) => row.key.app,
  environment: (row) => row.key.environment,
  version: (row) => row.key.version,
  instance_id: (row) => row.instance.instanceId,
  endpoint: (row) => row.instance.endpoints[0] ?? '',
  host_name: (row) => row.instance.hostName,
  status: (row) => row.instance.status,
  origin_cluster: (row) => row.originCluster,
  state: (row) => row.state,
  lease_until: (row) => row.leaseUntilMs ?? Number.MAX_VALUE,
  expires_at: (row) => row.expiresAtMs ?? Number.MAX_VALUE,
  since: (row) => row.sinceMs,
};

const states: Readonly<Record<InstanceRow['state'], true>> = {
  native: true,
  'in-sync': true,
  pending: true,
  kept: true,
  held: true,
  quarantined: true,
  'left-out': true,
};

/** What a client asks for; empty texts: no filter. */
export interface InstanceListWish {
  readonly text: string;
  readonly cluster: string;
  readonly state: string;
  readonly page: PageWish | undefined;
}

/** Gives one page and the number of all rows that the filter let through. */
export function listInstances(
  engine: Pick<SyncEngine, 'instances'>,
  wish: InstanceListWish,
): TakenPage<InstanceRow> {
  const page = pageOf(wish.page);
  return takePage(engine.instances(filterOf(wish)), orderOf(page.sortBy, page.descending), page);
}

function filterOf(wish: InstanceListWish): InstanceFilter {
  return {
    ...(wish.text === '' ? {} : { text: wish.text }),
    ...(wish.cluster === '' ? {} : { cluster: wish.cluster }),
    ...(wish.state === '' ? {} : { state: stateOf(wish.state) }),
  };
}

function stateOf(text: string): InstanceRow['state'] {
  if (Object.hasOwn(states, text)) return text as InstanceRow['state'];
  throw new SyncerError('request.wrong-argument', {
    argument: 'state',
    value: text,
    expected: Object.keys(states).join(', '),
  });
}

function orderOf(sortBy: string, descending: boolean): Compare<InstanceRow> {
  const column = columns[sortBy === '' ? 'service' : sortBy];
  if (column === undefined) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'sort_by',
      value: sortBy,
      expected: Object.keys(columns).join(', '),
    });
  }
  const sign = descending ? -1 : 1;
  return (left, right) => {
    const a = column(left);
    const b = column(right);
    return a < b ? -sign : a > b ? sign : byIdentity(left, right);
  };
}

/** Equal cells: in the order of services, then of ids; ids are unique per service only. */
function byIdentity(left: InstanceRow, right: InstanceRow): number {
  return (
    compareText(left.key.name, right.key.name) ||
    compareText(left.instance.serviceId, right.instance.serviceId) ||
    compareText(left.instance.instanceId, right.instance.instanceId) ||
    compareText(left.originCluster, right.originCluster) ||
    compareText(left.originInstanceId, right.originInstanceId)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Gives the one row that bears this id, local or of its origin. Throws `request.not-found`. */
export function findInstance(
  engine: Pick<SyncEngine, 'instances'>,
  instanceId: string,
  serviceId: string,
): InstanceRow {
  for (const row of engine.instances({ text: instanceId })) {
    const ids = [row.instance.instanceId, row.originInstanceId];
    const services = [row.instance.serviceId, row.originServiceId];
    if (ids.includes(instanceId) && (serviceId === '' || services.includes(serviceId))) return row;
  }
  throw new SyncerError('request.not-found', { kind: 'instance', name: instanceId });
}
