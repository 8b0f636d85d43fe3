// The list of services, filtered, sorted and paged on the daemon's side.

import type { ServiceRow, SyncEngine } from '../sync/engine.ts';
import { SyncerError } from '../../proto/errors.ts';
import { takePage, type TakenPage } from './page.ts';
import { pageOf, type PageWish } from './page-request.ts';

const columns: Readonly<Record<string, (row: ServiceRow) => string | number>> = {
  service: (row) => row.name,
  app: (row) => row.app,
  environment: (row) => row.environment,
  version: (row) => row.version,
  native: (row) => row.nativeInstances,
  foreign: foreignCount,
  made_by: (row) => row.madeBy,
};

/** Gives the number of copies under a service, over all clusters. */
function foreignCount(row: Pick<ServiceRow, 'foreignInstances'>): number {
  return Object.values(row.foreignInstances).reduce((sum, count) => sum + count, 0);
}

/** Gives one page and the number of all rows that the filter let through. */
export function listServices(
  engine: Pick<SyncEngine, 'services' | 'status'>,
  wish: { readonly text: string; readonly cluster: string; readonly page: PageWish | undefined },
): TakenPage<ServiceRow> {
  const page = pageOf(wish.page);
  const column = columns[page.sortBy === '' ? 'service' : page.sortBy];
  if (column === undefined) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'sort_by',
      value: page.sortBy,
      expected: Object.keys(columns).join(', '),
    });
  }
  const text = wish.text.toLowerCase();
  const own = engine.status().cluster;
  const rows = engine
    .services()
    .filter((row) => matchesText(row, text) && matchesCluster(row, wish.cluster, own));
  const sign = page.descending ? -1 : 1;
  return takePage(
    rows,
    (left, right) => {
      const a = column(left);
      const b = column(right);
      return a < b ? -sign : a > b ? sign : byIdentity(left, right);
    },
    page,
  );
}

function matchesText(row: ServiceRow, text: string): boolean {
  if (text === '') return true;
  return [row.name, row.app, row.serviceId].some((field) => field.toLowerCase().includes(text));
}

function matchesCluster(row: ServiceRow, cluster: string, own: string): boolean {
  if (cluster === '') return true;
  if (cluster === own) return row.nativeInstances > 0;
  return (row.foreignInstances[cluster] ?? 0) > 0;
}

function byIdentity(left: ServiceRow, right: ServiceRow): number {
  const a = `${left.name}|${left.app}|${left.environment}|${left.version}|${left.serviceId}`;
  const b = `${right.name}|${right.app}|${right.environment}|${right.version}|${right.serviceId}`;
  return a < b ? -1 : a > b ? 1 : 0;
}
