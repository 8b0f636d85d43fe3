import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../support/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import type { RegistryChange } from '../driver.ts';
import type { ServiceCenterApi } from './api.ts';
import { settingsFrom } from './options.ts';
import { createReader } from './reader.ts';
import { decodeService } from './wire.ts';

const tenant = { domain: 'default', project: 'default' };
const serviceCount = 500;
/** A find of all takes 17.5 ms, so rounds stand some 175 ms apart and more. */
const nameCostMs = 0.035;

interface Told {
  readonly atMs: number;
  readonly change: RegistryChange;
}

/** A registry with one instance of each of 500 services, which costs time to ask. */
class Scene {
  readonly clock = new VirtualClock();
  readonly told: Told[] = [];
  /** How many names each find asked for. */
  readonly finds: number[] = [];
  readonly instances = new Map<string, { rev: number; ids: string[]; status: string }>();
  totalsAsked = 0;
  /** Instances written into answers. */
  answered = 0;
  readonly #reader;

  constructor() {
    for (let index = 0; index < serviceCount; index += 1) {
      this.instances.set(`s${index}`, { rev: 1, ids: [`i${index}`], status: 'UP' });
    }
    this.#reader = createReader(
      this.#api(),
      settingsFrom({ addresses: ['http://127.0.0.1:1'], pollMinMs: 20 }),
      { clock: this.clock, random: { next: () => 0.5 }, logger: silentLogger },
      () => 'http://127.0.0.1:1',
    );
    this.#reader.start({
      changed: (change) => this.told.push({ atMs: this.clock.monotonicMs(), change }),
      condition: () => undefined,
    });
  }

  change(service: string, to: Partial<{ ids: string[]; status: string }>): number {
    const before = this.instances.get(service)!;
    this.instances.set(service, { ...before, ...to, rev: before.rev + 1 });
    return this.clock.monotonicMs();
  }

  /** Time from `sinceMs` until something was told that `wanted` accepts. */
  async delay(sinceMs: number, wanted: (change: RegistryChange) => boolean): Promise<number> {
    const found = (): Told | undefined =>
      this.told.find(({ atMs, change }) => atMs >= sinceMs && wanted(change));
    expect(await this.clock.runUntil(() => found() !== undefined, 20_000)).toBe(true);
    return found()!.atMs - sinceMs;
  }

  async settle(): Promise<void> {
    await this.clock.advanceAsync(10_000);
    this.finds.length = 0;
  }

  stop(): Promise<void> {
    return this.#reader.stop();
  }

  get intervalMs(): number {
    return this.#reader.intervalMs ?? NaN;
  }

  #api(): ServiceCenterApi {
    const takes = (ms: number): Promise<void> =>
      new Promise((resolve) => this.clock.after(ms, resolve));
    const instanceOf = (
      serviceId: string,
      instanceId: string,
      status: string,
      rev: number,
    ): unknown => ({
      ...{ serviceId, instanceId, status, endpoints: [`rest://127.0.0.1:${serviceId.slice(1)}`] },
      healthCheck: { mode: 'push', interval: 30, times: 3 },
      properties: { rev: String(rev) },
    });
    const never = (): never => {
      throw new Error('not to be called here');
    };
    return {
      version: async () => ({ ok: true, value: { version: '1', config: { enableCache: true } } }),
      listServices: async () => ({
        ok: true,
        value: [...this.instances.keys()].map((serviceId) =>
          decodeService(
            { serviceId, serviceName: serviceId, appId: 'app', version: '1.0.0' },
            tenant,
          ),
        ),
      }),
      service: never,
      batchFind: async (_tenant, names) => {
        this.finds.push(names.length);
        await takes(names.length * nameCostMs);
        this.#reader.answered();
        return {
          ok: true,
          value: names.map(({ name, rev }) => {
            const { rev: now, ids, status } = this.instances.get(name)!;
            if (rev === String(now)) return { kind: 'same' };
            const instances = ids.map((id) => instanceOf(name, id, status, now));
            this.answered += instances.length;
            return { kind: 'updated', rev: String(now), instances };
          }),
        };
      },
      instances: async (_tenant, serviceId) => ({
        ok: true,
        value: this.instances.get(serviceId)!.ids.map((instanceId) => ({ instanceId })) as never,
      }),
      instance: never,
      tags: async () => ({ ok: true, value: {} }),
      schemas: async () => ({ ok: true, value: [] }),
      statistics: async () => {
        this.totalsAsked += 1;
        const all = [...this.instances.values()];
        const instances = all.reduce((sum, { ids }) => sum + ids.length, 0);
        return { ok: true, value: { services: all.length, instances } };
      },
      dump: async () => ({
        ok: false,
        trouble: { kind: 'refused', status: 403, code: '403001', message: 'no rights' },
      }),
      raw: async () => ({ kind: 'ok', status: 200, body: undefined, summary: '' }),
    };
  }
}

describe('reader of a large registry', () => {
  it('sees what changes again at once, and all else within a round', async () => {
    const scene = new Scene();
    await scene.settle();
    expect(scene.intervalMs).toBeGreaterThan(150);

    const isOf = (service: string) => (change: RegistryChange) =>
      change.instances.some(({ serviceId }) => serviceId === service);
    const first = await scene.delay(scene.change('s7', { status: 'DOWN' }), isOf('s7'));
    expect(first).toBeLessThan(scene.intervalMs + 50);
    for (let again = 0; again < 5; again += 1) {
      await scene.clock.advanceAsync(90 + again * 13);
      const status = again % 2 === 0 ? 'UP' : 'DOWN';
      const delayMs = await scene.delay(scene.change('s7', { status }), isOf('s7'));
      // A glance each 20 ms, or the find of a whole round that is under way.
      expect(delayMs).toBeLessThan(45);
    }
    // The rest is not forgotten meanwhile.
    const other = await scene.delay(scene.change('s490', { status: 'DOWN' }), isOf('s490'));
    expect(other).toBeLessThan(scene.intervalMs * 1.5);
    await scene.stop();
  });

  describe('of which large services change all the time', () => {
    const large = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const ids = Array.from({ length: 100 }, (_, index) => `i${index}`);

    async function churn(scene: Scene, forMs: number): Promise<void> {
      for (let atMs = 0; atMs < forMs; atMs += 100) {
        for (const name of large) scene.change(name, { ids });
        await scene.clock.advanceAsync(100);
      }
    }

    it('bounds what is read of them, each within five seconds, and sees all else at once', async () => {
      const scene = new Scene();
      await scene.settle();
      await churn(scene, 10_000);
      scene.answered = 0;
      scene.told.length = 0;
      await churn(scene, 20_000);
      // Without a budget each of some hundred rounds reads 10,000.
      expect(scene.answered).toBeLessThan(80_000);
      const lastMs = scene.clock.monotonicMs();
      for (const name of large) {
        const toldMs = scene.told
          .filter(({ change }) => change.instances.some(({ serviceId }) => serviceId === name))
          .map(({ atMs }) => atMs);
        const gaps = [...toldMs, lastMs].map((atMs, index) => atMs - (toldMs[index - 1] ?? atMs));
        expect(Math.max(...gaps)).toBeLessThan(6_000);
      }
      const isQuiet = (change: RegistryChange): boolean =>
        change.instances.some(({ serviceId }) => serviceId === 's490');
      const delayMs = await scene.delay(scene.change('s490', { status: 'DOWN' }), isQuiet);
      expect(delayMs).toBeLessThan(scene.intervalMs * 1.5);
      await scene.stop();
    });

    it('tells no removal when the rest of the registry is lost meanwhile', async () => {
      const scene = new Scene();
      await scene.settle();
      await churn(scene, 10_000);
      for (const name of scene.instances.keys()) scene.change(name, { ids: [] });
      await scene.clock.advanceAsync(20_000);
      expect(scene.told.flatMap(({ change }) => change.removedInstances)).toEqual([]);
      await scene.stop();
    });
  });

  it('goes back to whole rounds alone when nothing changes', async () => {
    const scene = new Scene();
    await scene.settle();
    scene.change('s7', { status: 'DOWN' });
    await scene.clock.advanceAsync(5_000);
    expect(scene.finds).toContain(1);
    await scene.clock.advanceAsync(30_000);
    scene.finds.length = 0;
    await scene.clock.advanceAsync(3_000);
    expect(scene.finds.length).toBeGreaterThan(0);
    expect(scene.finds).not.toContain(1);
    await scene.stop();
  });

  it('tells a removal early when the totals say that it is all there is', async () => {
    const scene = new Scene();
    await scene.settle();
    scene.change('s7', { status: 'DOWN' });
    await scene.clock.advanceAsync(1_000);
    const isGone = ({ removedInstances }: RegistryChange): boolean => removedInstances.length > 0;
    for (let again = 0; again < 5; again += 1) {
      await scene.clock.advanceAsync(80 + again * 17);
      const delayMs = await scene.delay(scene.change('s7', { ids: [] }), isGone);
      expect(delayMs).toBeLessThan(45);
      await scene.clock.advanceAsync(80);
      scene.change('s7', { ids: ['i7'] });
    }
    // Those that no whole round was about to settle anyway.
    expect(scene.totalsAsked).toBeGreaterThan(0);
    await scene.stop();
  });

  it('tells no removal out of a glance at a registry that has lost everything', async () => {
    const scene = new Scene();
    await scene.settle();
    for (const name of ['s1', 's2', 's3']) scene.change(name, { status: 'DOWN' });
    await scene.clock.advanceAsync(1_000);
    for (const name of scene.instances.keys()) scene.change(name, { ids: [] });
    await scene.clock.advanceAsync(30_000);
    expect(scene.told.flatMap(({ change }) => change.removedInstances)).toEqual([]);
    await scene.stop();
  });
});
