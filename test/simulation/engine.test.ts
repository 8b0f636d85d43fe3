// One engine beside a model registry, with a peer that is played by the test: what a person orders.

import { describe, expect, it } from 'vitest';
import { because } from '../../daemon/model/reason.ts';
import { encodeInstance, encodeService } from '../../daemon/model/record-codec.ts';
import type { ExportRecord } from '../../daemon/model/records.ts';
import { defaultGuardLimits, defaultRules } from '../../daemon/model/rules.ts';
import type { Instance, Service } from '../../daemon/model/service.ts';
import { hash52 } from '../../daemon/support/hash.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { seededRandom } from '../../daemon/support/random.ts';
import { VirtualClock } from '../../daemon/support/virtual-clock.ts';
import { createSyncEngine } from '../../daemon/sync/sync-engine.ts';
import { MemoryDisk, MemoryStore } from './memory-store.ts';
import { ModelDriver } from './model-driver.ts';
import { ModelRegistry } from './model-registry.ts';

const service: Service = {
  serviceId: 's',
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'shop',
  name: 'orders',
  version: '1.0.0',
  alias: '',
  description: '',
  level: 'BACK',
  status: 'UP',
  registerBy: 'SDK',
  framework: undefined,
  properties: {},
  tags: {},
  schemas: [],
  paths: [],
};
const healthy = { state: 'healthy', reason: '' } as const;

function record(key: string, payload: Uint8Array, revision: number): ExportRecord {
  const kind = key.startsWith('s/') ? 'service' : 'instance';
  return { kind, key, revision, hash: hash52(payload), originTimeMs: 1, payload };
}

function instanceRecord(index: number): ExportRecord {
  const instance: Instance = {
    serviceId: 's',
    instanceId: `instance-${index}`,
    endpoints: [`rest://10.0.0.${index}:80`],
    hostName: 'host',
    status: 'UP',
    properties: {},
    healthCheck: undefined,
    dataCenterInfo: undefined,
    version: '',
  };
  return record(`i/s/${instance.instanceId}`, encodeInstance(instance), index + 2);
}

function setUp(disk = new MemoryDisk(), clock = new VirtualClock()) {
  const registry = new ModelRegistry(clock);
  const start = async () => {
    const driver = new ModelDriver({ registry, clock, writer: 1, windowMs: 500 });
    const engine = createSyncEngine({
      cluster: 'a',
      driver,
      store: new MemoryStore(disk, clock),
      rules: defaultRules,
      limits: defaultGuardLimits,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
    });
    await engine.start();
    await clock.advanceAsync(35_000);
    return engine;
  };
  type Engine = Awaited<ReturnType<typeof start>>;
  const snapshot = (engine: Engine, count: number, epoch = 'e'): void => {
    const sink = engine.peer('b');
    const position = { epoch, revision: 100 };
    sink.link('connected', '');
    sink.snapshotBegin(position);
    sink.upsert([record('s/s', encodeService(service), 1)], clock.nowMs());
    const records = Array.from({ length: count }, (_, index) => instanceRecord(index));
    sink.upsert(records, clock.nowMs());
    sink.snapshotEnd(position, healthy);
    // As each stream does a second after it at the latest.
    sink.heartbeat({
      position,
      health: healthy,
      clockOffsetMs: 0,
      roundTripMs: 1,
      provenEqual: true,
      receivedAtMs: clock.nowMs(),
    });
  };
  const copies = (): number =>
    [...registry.services.values()].reduce((sum, { instances }) => sum + instances.size, 0);
  return { clock, registry, start, snapshot, copies };
}

describe('the engine', () => {
  it('holds a mass absence, over a restart too, until a person lets it go', async () => {
    const { clock, start, snapshot, copies } = setUp();
    const first = await start();
    snapshot(first, 10);
    await clock.advanceAsync(2000);
    expect(copies()).toBe(10);
    snapshot(first, 2, 'e2');
    await clock.advanceAsync(5000);
    expect(first.held().length).toBe(8);
    expect(copies()).toBe(10);
    void first.stop(0);
    await clock.advanceAsync(1000);

    const second = await start();
    snapshot(second, 2, 'e2');
    await clock.advanceAsync(5000);
    expect(second.held().length).toBe(8);
    const [keep] = second.held();
    expect(second.keep({ ids: [keep!.id] }, undefined)).toBe(1);
    const others = second.held().filter(({ decision }) => decision === 'waiting');
    expect(second.approve({ ids: others.map(({ id }) => id) })).toBe(7);
    await clock.advanceAsync(5000);
    expect(copies()).toBe(3);
    expect(second.held().map(({ decision }) => decision)).toEqual(['keep']);
    void second.stop(0);
    await clock.advanceAsync(1000);
  });

  it('writes nothing for a paused peer, shows the plan, and goes on when resumed', async () => {
    const { clock, start, snapshot, copies } = setUp();
    const engine = await start();
    engine.pause('b');
    snapshot(engine, 3);
    await clock.advanceAsync(3000);
    expect(copies()).toBe(0);
    expect(engine.plan().items.map(({ action }) => action)).toEqual([
      'create-service',
      'add',
      'add',
      'add',
    ]);
    const rules = { ...defaultRules, import: [{ match: {}, action: 'exclude' as const }] };
    expect(engine.plan(rules)).toMatchObject({ items: [], leftOut: [{ count: 3 }] });
    engine.resume('b');
    await clock.advanceAsync(3000);
    expect(copies()).toBe(3);
    void engine.stop(0);
    await clock.advanceAsync(1000);
  });

  it('explains a copy, and what nobody names', async () => {
    const { clock, start, snapshot } = setUp();
    const engine = await start();
    snapshot(engine, 1);
    await clock.advanceAsync(3000);
    const found = await engine.explain('instance-0');
    expect(found).toMatchObject({
      found: 'instance',
      verdict: [because('verdict-in-sync', { cluster: 'b' })],
    });
    expect(found.steps.map(({ code }) => code)).toEqual(['received', 'import', 'in-sync', 'lease']);
    expect(found.history.map(({ action }) => action)).toEqual(['created']);
    expect((await engine.explain('orders')).found).toBe('service');
    expect((await engine.explain('nobody')).found).toBe('nothing');
    void engine.stop(0);
    await clock.advanceAsync(1000);
  });

  it('removes by a rule what a person no longer wants, and the empty service with it', async () => {
    const { clock, registry, start, snapshot, copies } = setUp();
    const engine = await start();
    snapshot(engine, 60);
    await clock.advanceAsync(3000);
    expect(copies()).toBe(60);
    const rules = { ...defaultRules, import: [{ match: {}, action: 'exclude' as const }] };
    engine.setRules(rules, defaultGuardLimits);
    // The model's driver distrusts a registry that lost everything at once: the service waits for it.
    await clock.advanceAsync(40_000);
    expect(copies()).toBe(0);
    expect(registry.services.size).toBe(0);
    expect(engine.held()).toEqual([]);
    void engine.stop(0);
    await clock.advanceAsync(1000);
  });
});
