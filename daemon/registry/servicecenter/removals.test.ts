import { describe, expect, it } from 'vitest';
import type { Instance } from '../../model/service.ts';
import type { InstanceRef } from '../driver.ts';
import type { ServiceCenterApi } from './api.ts';
import { createRemovals, type Removals } from './removals.ts';
import { createTenantView, type NameEntry, type TenantView } from './tenant-view.ts';
import {
  answered,
  interrupted,
  unseen,
  type Circumstances,
  type Continuity,
} from '../common/trust.ts';
import { decodeService } from './wire.ts';

const tenant = { domain: 'default', project: 'default' };
const details = { tags: {}, schemas: [] };

/** A registry of one service, `names` of whose instances a second reading still finds. */
class Scene {
  readonly view: TenantView;
  readonly entry: NameEntry;
  readonly removals: Removals;
  readonly there: Set<string>;
  answers = true;
  serviceThere = true;
  continuity: Continuity = unseen;
  nowMs = 0;

  constructor(count: number) {
    this.view = createTenantView(tenant);
    const listed = { serviceId: 's', serviceName: 'name', appId: 'app', version: '1.0.0' };
    this.view.putService(decodeService(listed, tenant), details, 0);
    const entry = this.view.entryOf('s');
    if (entry === undefined) throw new Error('the service is not in the view');
    this.entry = entry;
    const ids = Array.from({ length: count }, (_, index) => `i${index}`);
    this.there = new Set(ids);
    this.view.applyFound(this.entry, ids.map(shape), 'r1');
    this.removals = createRemovals(this.view, this.#api());
    this.pass(10_000);
  }

  /** The registry answers every 200 ms. */
  pass(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs) {
      this.nowMs += 200;
      this.continuity = answered(this.continuity, this.nowMs);
      if (this.entry.rev !== '0') this.entry.lastReadMs = this.nowMs;
    }
  }

  /** A find that names exactly what is there. */
  find(named: Iterable<string> = this.there): void {
    const found = this.view.applyFound(this.entry, [...named].map(shape), 'r2');
    this.removals.missingInstances(this.entry, found.missing);
  }

  decide(more: Partial<Circumstances> = {}): ReturnType<Removals['decide']> {
    return this.removals.decide({
      nowMs: this.nowMs,
      continuity: this.continuity,
      empty: false,
      lastEmptyMs: undefined,
      totalsAgree: true,
      nodesDiffer: false,
      ...more,
    });
  }

  /** Second readings: the store behind the cache. */
  #api(): ServiceCenterApi {
    const failure = { code: 'timeout', interrupts: false, sent: true, detail: 'late' } as const;
    const trouble = { ok: false, trouble: { kind: 'failed', failure } } as const;
    const instances = async () =>
      this.answers
        ? {
            ok: true as const,
            value: [...this.there].map((id) => ({ instanceId: id }) as Instance),
          }
        : trouble;
    const service = async () =>
      this.answers
        ? { ok: true as const, value: this.serviceThere ? ({} as never) : undefined }
        : trouble;
    return { instances, service } as unknown as ServiceCenterApi;
  }
}

function shape(instanceId: string): unknown {
  return { serviceId: 's', instanceId, healthCheck: { mode: 'push', interval: 5, times: 3 } };
}

const ref = (instanceId: string): InstanceRef => ({ ...tenant, serviceId: 's', instanceId });

describe('removals', () => {
  it('tells one that left at once, with a tombstone', async () => {
    const scene = new Scene(10);
    scene.there.delete('i3');
    scene.find();
    const { removed } = await scene.decide();
    expect(removed.removedInstances).toEqual([{ ...ref('i3'), proof: 'tombstone' }]);
    expect(scene.view.size).toBe(9);
    expect(scene.removals.held()).toBeUndefined();
  });

  it('removes nothing that a second reading still names, and reads the name again', async () => {
    const scene = new Scene(10);
    scene.find(['i1']);
    const { removed } = await scene.decide();
    expect(removed.removedInstances).toEqual([]);
    expect(scene.view.size).toBe(10);
    expect(scene.entry.rev).toBe('0');
  });

  it('removes nothing while the second reading does not answer', async () => {
    const scene = new Scene(10);
    scene.there.delete('i3');
    scene.answers = false;
    scene.find();
    const { removed, troubles } = await scene.decide();
    expect(removed.removedInstances).toEqual([]);
    expect(troubles).toHaveLength(1);
    scene.answers = true;
    scene.find();
    expect((await scene.decide()).removed.removedInstances).toHaveLength(1);
  });

  it('holds what a restart may have lost, and lets it go when it comes back', async () => {
    const scene = new Scene(10);
    scene.continuity = interrupted(scene.continuity);
    scene.continuity = answered(scene.continuity, scene.nowMs + 500);
    scene.nowMs += 500;
    scene.there.delete('i3');
    scene.find();
    expect((await scene.decide()).removed.removedInstances).toEqual([]);
    expect(scene.removals.held()).toMatchObject({ reason: 'waiting-for-owners', instances: 1 });
    scene.there.add('i3');
    scene.find();
    scene.pass(60_000);
    expect((await scene.decide()).removed.removedInstances).toEqual([]);
    expect(scene.removals.held()).toBeUndefined();
    expect(scene.view.size).toBe(10);
  });

  it('reads once more before it tells an absence that it waited for', async () => {
    const scene = new Scene(10);
    scene.continuity = answered(interrupted(scene.continuity), scene.nowMs + 500);
    scene.nowMs += 500;
    scene.there.delete('i3');
    scene.there.delete('i4');
    scene.find();
    await scene.decide();
    scene.pass(25_000);
    // One came back, and no find has told it yet.
    scene.there.add('i4');
    const { removed } = await scene.decide();
    expect(removed.removedInstances).toEqual([{ ...ref('i3'), proof: 'absence' }]);
    expect(scene.view.entryOf('s')?.instances.has('s/i4')).toBe(true);
  });

  it('holds the loss of most, also when it comes in steps', async () => {
    const scene = new Scene(20);
    const removed: unknown[] = [];
    for (let index = 0; index < 20; index += 1) {
      scene.there.delete(`i${index}`);
      scene.find();
      removed.push(...(await scene.decide()).removed.removedInstances);
      scene.pass(200);
    }
    expect(removed).toHaveLength(10);
    expect(scene.removals.held()).toMatchObject({ reason: 'suspicious-loss', instances: 10 });
    expect(scene.removals.suspicious).toBe(true);
    scene.pass(30_000);
    expect((await scene.decide({ totalsAgree: false })).removed.removedInstances).toEqual([]);
    const late = (await scene.decide()).removed.removedInstances;
    expect(late.map(({ proof }) => proof)).toEqual(new Array(10).fill('absence'));
  });

  it('takes a loss for a restart of applications when as many came in their place', async () => {
    const scene = new Scene(20);
    const left = [...scene.there];
    for (const id of left) scene.there.delete(id);
    scene.find();
    expect((await scene.decide()).removed.removedInstances).toEqual([]);
    scene.pass(1_000);
    for (let index = 0; index < 19; index += 1) scene.there.add(`new${index}`);
    scene.find();
    expect((await scene.decide()).removed.removedInstances).toEqual([]);
    scene.there.add('new19');
    scene.find();
    const { removed } = await scene.decide();
    expect(removed.removedInstances.map(({ instanceId }) => instanceId)).toEqual(left);
    expect(new Set(removed.removedInstances.map(({ proof }) => proof))).toEqual(
      new Set(['tombstone']),
    );
  });

  it('removes a service only after its last instance', async () => {
    const scene = new Scene(2);
    scene.serviceThere = false;
    scene.there.delete('i0');
    scene.removals.missingServices([{ ...tenant, serviceId: 's' }]);
    scene.find();
    expect((await scene.decide()).removed).toEqual({
      removedInstances: [{ ...ref('i0'), proof: 'tombstone' }],
      removedServices: [],
    });
    scene.there.delete('i1');
    scene.find();
    expect((await scene.decide()).removed).toEqual({
      removedInstances: [{ ...ref('i1'), proof: 'tombstone' }],
      removedServices: [{ ...tenant, serviceId: 's', proof: 'tombstone' }],
    });
    expect(scene.view.services.size).toBe(0);
    expect(scene.view.names.size).toBe(0);
  });
});
