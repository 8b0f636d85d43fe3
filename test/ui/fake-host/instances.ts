// The instances of a scenario as the engine would list them.

import type { InstanceRow, ServiceRow } from '../../../daemon/sync/engine.ts';
import { textOf } from '../../../proto/health.ts';
import { randomOf, type Scenario } from './scenario.ts';
import { nativeCount, ownCluster, sitesOf, type Site } from './sites.ts';

const names = [
  'orders',
  'payments',
  'inventory',
  'customers',
  'pricing',
  'shipping',
  'search',
  'recommendations',
  'notifications',
  'billing-reconciliation-worker',
  'gateway',
  'sessions',
] as const;

/** How many instances one service has. */
const perService = 12;

/** Gives every row, natives first. */
export function makeInstances(scenario: Scenario, nowMs: number): readonly InstanceRow[] {
  const random = randomOf(7);
  const rows: InstanceRow[] = [];
  for (let at = 0; at < nativeCount(scenario); at++) {
    rows.push(nativeRow(at, nowMs, random));
  }
  for (const site of sitesOf(scenario)) {
    for (let at = 0; at < site.instances; at++) rows.push(copyRow(site, at, nowMs, random));
  }
  return rows;
}

/** Gives the services that these instances stand under. */
export function makeServices(rows: readonly InstanceRow[]): readonly ServiceRow[] {
  const found = new Map<string, ServiceRow & { foreignInstances: Record<string, number> }>();
  for (const { key, instance, state, originCluster } of rows) {
    const before = found.get(instance.serviceId) ?? {
      ...key,
      serviceId: instance.serviceId,
      madeBy: state === 'native' ? 'native' : originCluster,
      nativeInstances: 0,
      foreignInstances: {},
    };
    const copies = before.foreignInstances;
    if (state !== 'native' && state !== 'left-out') {
      copies[originCluster] = (copies[originCluster] ?? 0) + 1;
    }
    found.set(instance.serviceId, {
      ...before,
      nativeInstances: before.nativeInstances + Number(state === 'native'),
    });
  }
  return [...found.values()];
}

function nativeRow(at: number, nowMs: number, random: () => number): InstanceRow {
  const row = rowOf(ownCluster, at, random);
  return {
    ...row,
    originServiceId: row.instance.serviceId,
    state: 'native',
    stateReason: undefined,
    leaseUntilMs: undefined,
    expiresAtMs: undefined,
    sinceMs: nowMs - Math.floor(random() * 9 * 86_400_000),
  };
}

function copyRow(site: Site, at: number, nowMs: number, random: () => number): InstanceRow {
  const row = rowOf(site.name, at, random);
  const [state, stateReason] = stateOf(site, at);
  return {
    ...row,
    instance: {
      ...row.instance,
      properties: {
        ...row.instance.properties,
        'syncer-origin-cluster': site.name,
        'syncer-origin-instance': row.originInstanceId,
        'syncer-epoch': '12',
      },
    },
    state,
    stateReason,
    leaseUntilMs: state === 'left-out' ? undefined : nowMs + 200_000 + Math.floor(random() * 4e5),
    expiresAtMs: state === 'kept' ? nowMs + 559_000 : undefined,
    sinceMs: nowMs - Math.floor(random() * 5 * 86_400_000),
  };
}

function stateOf(site: Site, at: number): [InstanceRow['state'], InstanceRow['stateReason']] {
  if (at < site.held) return ['held', textOf('reason.absent', { cluster: site.name })];
  if (site.link === 'silent')
    return ['kept', textOf('reason.kept', { cluster: site.name, state: 'silent' })];
  if (at < site.pending) return ['pending', textOf('reason.change-not-written')];
  if (site.name === 'lab-1' && at % 11 === 10)
    return ['left-out', textOf('reason.excluded', { rule: 'no-lab' })];
  return ['in-sync', undefined];
}

type Common = Omit<
  InstanceRow,
  'state' | 'stateReason' | 'leaseUntilMs' | 'expiresAtMs' | 'sinceMs'
>;

function rowOf(cluster: string, at: number, random: () => number): Common {
  const service = Math.floor(at / perService);
  const name = `${names[service % names.length] ?? ''}${service < names.length ? '' : `-${Math.floor(service / names.length)}`}`;
  const version = `1.${service % 5}.0`;
  const serviceId = hex(random, 20);
  const octet = (): number => Math.floor(random() * 250) + 2;
  const host = `${cluster}-node-${String(Math.floor(random() * 40) + 1).padStart(2, '0')}`;
  const ids = { instance: hex(random, 16), origin: hex(random, 16) };
  return {
    key: {
      domain: 'default',
      project: 'default',
      environment: 'production',
      app: service % 3 === 0 ? 'shop' : 'platform',
      name,
      version,
    },
    instance: {
      serviceId: `s-${name}-${version}`,
      instanceId: ids.instance,
      endpoints: [
        `rest://10.${octet()}.${octet()}.${octet()}:${8_000 + (at % 50)}?sslEnabled=true`,
      ],
      hostName: host,
      status: at % 40 === 39 ? 'STARTING' : 'UP',
      properties: { zone: cluster, build: `2026.11.${1 + (at % 24)}`, weight: '100' },
      healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
      dataCenterInfo: { name: cluster, region: 'cn-north', availableZone: `az-${1 + (at % 3)}` },
      version,
    },
    originCluster: cluster,
    originServiceId: serviceId,
    originInstanceId: cluster === ownCluster ? ids.instance : ids.origin,
  };
}

function hex(random: () => number, bytes: number): string {
  let text = '';
  while (text.length < bytes * 2) {
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }
  return text.slice(0, bytes * 2);
}
