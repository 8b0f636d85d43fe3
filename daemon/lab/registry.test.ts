import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../support/virtual-clock.ts';
import { dumpCache } from './dump.ts';
import { ApiError } from './errors.ts';
import { batchFind, findInstances, listInstances, type FindOptions } from './find.ts';
import { governAll, statistics } from './govern.ts';
import {
  heartbeat,
  registerInstance,
  setInstanceProperties,
  setStatus,
  unregisterInstance,
} from './instances.ts';
import { Registry, type RegistryOptions } from './registry.ts';
import { createService, deleteService } from './services.ts';
import { emptyRevision } from './store.ts';

const tenant = { domain: 'default', project: 'default' };
const key = { environment: 'development', appId: 'app', serviceName: 'Prov', version: '0.0.0+' };
const who = 'test';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function make(more: Partial<RegistryOptions> = {}): Registry {
  return new Registry({
    clock,
    name: 'sc-0',
    dialect: '1.x',
    enableCache: true,
    schemaEditable: false,
    historyLimit: 1_000,
    ...more,
  });
}

function addService(registry: Registry, serviceName = 'Prov', version = '1.0.0'): string {
  const service = { appId: 'app', serviceName, version, environment: 'development' };
  return createService(registry.context, tenant, { service }, who);
}

function add(registry: Registry, serviceId: string, instanceId: string, interval = 30): void {
  const healthCheck = { mode: 'push', interval, times: 3 };
  registerInstance(
    registry.context,
    tenant,
    serviceId,
    { instanceId, hostName: 'h', properties: { a: '1' }, healthCheck },
    who,
  );
}

function find(
  registry: Registry,
  options: Partial<FindOptions> = {},
): ReturnType<typeof findInstances> {
  return findInstances(registry.context, registry.frozen, tenant, key, {
    consumerId: '',
    rev: '',
    noCache: false,
    ...options,
  });
}

function codeOf(run: () => unknown): number | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

describe('revisions of a find', () => {
  it('move with every change and nothing else, and always tell apart what differs', () => {
    const act = fc.record({
      kind: fc.constantFrom('add', 'remove', 'status', 'properties', 'heartbeat', 'again'),
      id: fc.nat(5).map((number) => `i${number}`),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const registry = make();
        const serviceId = addService(registry);
        const { context } = registry;
        let last = find(registry).rev;
        expect(last).toBe(emptyRevision);
        for (const { kind, id } of acts) {
          const exists = context.store.instance(tenant, serviceId, id) !== undefined;
          const changes = exists
            ? ['remove', 'status', 'properties'].includes(kind)
            : ['add', 'again'].includes(kind);
          const code = codeOf(() => {
            if (kind === 'add' || kind === 'again') add(registry, serviceId, id);
            else if (kind === 'remove') unregisterInstance(context, tenant, serviceId, id, who);
            else if (kind === 'status') setStatus(context, tenant, serviceId, id, 'DOWN', who);
            else if (kind === 'heartbeat') heartbeat(context, tenant, serviceId, id, who);
            else setInstanceProperties(context, tenant, serviceId, id, { b: '2' }, who);
          });
          if (!exists && kind !== 'add' && kind !== 'again') expect(code).toBe(400017);
          const found = find(registry, { rev: last });
          expect(found.instances === undefined).toBe(!changes);
          last = found.rev;
        }
        const held = context.store.service(tenant, serviceId)?.instances.size ?? 0;
        expect(find(registry, { rev: '0' }).instances).toHaveLength(held);
        expect(last === emptyRevision).toBe(held === 0);
      }),
      { numRuns: 150 },
    );
  });

  it('are the same in the batch as in the single find', () => {
    const registry = make();
    add(registry, addService(registry), 'i1');
    const single = find(registry);
    const items = [
      { service: key, rev: '' },
      { service: key, rev: single.rev },
    ];
    const batch = batchFind(
      registry.context,
      registry.frozen,
      tenant,
      { services: items },
      '',
      false,
    );
    expect(batch.services?.updated?.[0]).toMatchObject({ index: 0, rev: single.rev });
    expect(batch.services?.notModified).toEqual([1]);
  });
});

describe('a mass expiry', () => {
  it('takes all at once and is told as the end of leases', () => {
    const registry = make();
    const serviceId = addService(registry);
    for (let index = 0; index < 20; index++) add(registry, serviceId, `m${index}`, 2);
    clock.advance(8_600);
    expect(statistics(registry.context, tenant, false).instances).toEqual({});
    const removed = registry.history.page().entries.filter(({ cause }) => cause === 'lease-ended');
    expect(removed).toHaveLength(20);
    expect(removed[0]).toMatchObject({ kind: 'instance-removed', who: 'registry' });
  });
});

describe('the damage a console does', () => {
  it('is seen by the cache alone, under an equal revision, until a write stores it', () => {
    const registry = make();
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1');
    const before = find(registry);
    governAll(registry.context, tenant, ['instances']);
    const damaged = find(registry);
    expect(damaged.rev).toBe(before.rev);
    expect(damaged.instances?.[0]?.properties).toBeUndefined();
    expect(find(registry, { rev: '0' }).instances?.[0]?.properties).toEqual({ a: '1' });
    expect(find(registry, { noCache: true }).instances?.[0]?.properties).toEqual({ a: '1' });
    setStatus(registry.context, tenant, serviceId, 'i1', 'DOWN', who);
    expect(find(registry, { noCache: true }).instances?.[0]?.properties).toBeUndefined();
  });

  it('does not happen in 2.x', () => {
    const registry = make({ dialect: '2.x' });
    add(registry, addService(registry), 'i1');
    governAll(registry.context, tenant, ['all']);
    expect(find(registry).instances?.[0]?.properties).toEqual({ a: '1' });
  });
});

describe('a switched-off cache', () => {
  it('freezes reads for two minutes from their first use', () => {
    const registry = make({ enableCache: false });
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1');
    const first = find(registry);
    add(registry, serviceId, 'i2');
    expect(dumpCache(registry.context)).toEqual({});
    expect(find(registry).instances).toHaveLength(1);
    expect(find(registry, { rev: first.rev }).instances).toBeUndefined();
    expect(find(registry, { noCache: true }).instances).toHaveLength(2);
    heartbeat(registry.context, tenant, serviceId, 'i1', who);
    clock.advance(100_000);
    expect(find(registry).instances).toHaveLength(1);
    heartbeat(registry.context, tenant, serviceId, 'i1', who);
    heartbeat(registry.context, tenant, serviceId, 'i2', who);
    clock.advance(20_000);
    expect(find(registry).instances).toHaveLength(2);
  });

  it('reads anew once when asked with another revision', () => {
    const registry = make({ enableCache: false });
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1');
    find(registry);
    add(registry, serviceId, 'i2');
    expect(find(registry, { rev: '0' }).instances).toHaveLength(2);
    add(registry, serviceId, 'i3');
    expect(find(registry, { rev: '0' }).instances).toHaveLength(2);
  });
});

describe('a cold cache', () => {
  it('shows less in the dump and in reads without a revision, and the truth past it', () => {
    const registry = make();
    const serviceId = addService(registry);
    for (let index = 0; index < 100; index++) add(registry, serviceId, `i${index}`);
    registry.context.cache.visibleShare = 0.3;
    const shown = dumpCache(registry.context).instances?.length ?? 0;
    expect(shown).toBeGreaterThan(5);
    expect(shown).toBeLessThan(70);
    expect(find(registry).instances).toHaveLength(shown);
    const options = { consumerId: '', rev: '', noCache: true };
    const { context, frozen } = registry;
    expect(listInstances(context, frozen, tenant, serviceId, options).instances).toHaveLength(100);
  });
});

describe('a restart', () => {
  it('with the data starts every lease in full; without it nothing is left', () => {
    const registry = make();
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1', 3);
    clock.advance(6_000);
    const { rev } = find(registry);
    registry.restartLeases();
    clock.advance(12_000);
    expect(find(registry, { rev }).instances).toBeUndefined();
    registry.loseData();
    expect(registry.state()).toMatchObject({ services: [], instances: [] });
    expect(codeOf(() => find(registry))).toBe(400012);
    clock.advance(60_000);
    const ended = registry.history.page().entries.filter(({ cause }) => cause === 'lease-ended');
    expect(ended).toEqual([]);
  });
});

describe('the state', () => {
  it('tells the end of each lease and who renewed it', () => {
    const registry = make();
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1');
    clock.advance(1_000);
    heartbeat(registry.context, tenant, serviceId, 'i1', 'owner');
    expect(registry.state().instances[0]).toMatchObject({
      ttlMs: 120_000,
      leaseEndsMs: clock.nowMs() + 120_000,
      renewals: 1,
      lastRenewedBy: 'owner',
    });
  });

  it('forgets what a force-deleted service held', () => {
    const registry = make();
    const serviceId = addService(registry);
    add(registry, serviceId, 'i1');
    expect(codeOf(() => deleteService(registry.context, tenant, serviceId, false, who))).toBe(
      400013,
    );
    deleteService(registry.context, tenant, serviceId, true, who);
    expect(registry.state().instances).toEqual([]);
    expect(codeOf(() => heartbeat(registry.context, tenant, serviceId, 'i1', who))).toBe(400017);
    const kinds = registry.history.page().entries.map(({ kind, cause }) => `${kind} ${cause}`);
    expect(kinds.slice(-2)).toEqual(['instance-removed service-removed', 'service-removed call']);
  });
});

describe('the history', () => {
  it('pages without gaps and says what it has dropped', () => {
    const registry = make({ historyLimit: 50 });
    const serviceId = addService(registry);
    for (let index = 0; index < 200; index++) add(registry, serviceId, `i${index}`);
    const seen: number[] = [];
    const { first } = registry.history.page();
    expect(first).toBeGreaterThan(100);
    let { next, entries } = registry.history.page(0, 7);
    while (entries.length > 0) {
      seen.push(...entries.map(({ seq }) => seq));
      ({ next, entries } = registry.history.page(next, 7));
    }
    expect(seen[0]).toBe(first);
    expect(seen.at(-1)).toBe(201);
    expect(seen).toEqual(Array.from(seen, (_seq, index) => first + index));
  });
});
