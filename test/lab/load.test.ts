// Made-up applications on a lab: everything they registered stays, changes, and comes back after a loss.

import { afterEach, describe, expect, it } from 'vitest';
import type { Load } from '../../daemon/lab/load.ts';
import { startLoad } from '../../daemon/lab/load.ts';
import { startLabRegistry, type LabRegistry } from '../../daemon/lab/lab.ts';
import { runLab, type RunningLab } from '../../daemon/lab/run.ts';
import { seededRandom } from '../../daemon/support/random.ts';
import { poll } from '../support/poll.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const generousMs = 60_000;

async function lab(options = {}): Promise<LabRegistry> {
  const started = await startLabRegistry(options);
  open.push(started);
  return started;
}

async function load(url: string, options: Partial<Parameters<typeof startLoad>[1]>): Promise<Load> {
  const all = { services: 10, instancesPerService: 3, heartbeatSeconds: 1, ...options };
  const started = await startLoad(url, all, { random: seededRandom(1) });
  open.push({ close: () => started.stop() });
  return started;
}

const idsIn = ({ registry }: LabRegistry): string[] =>
  registry
    .state()
    .instances.map(({ instance }) => `${instance.serviceId}/${instance.instanceId}`)
    .sort();
const idsOf = (one: Load): string[] =>
  one
    .instances()
    .map(({ serviceId, instanceId }) => `${serviceId}/${instanceId}`)
    .sort();

describe('load', () => {
  it('registers all, some of it with everything that a service can carry', async () => {
    const target = await lab();
    const running = await load(target.url, { fullShare: 0.5 });
    expect(idsIn(target)).toEqual(idsOf(running));
    expect(idsIn(target)).toHaveLength(30);
    const { services } = target.registry.state();
    const full = services.filter(({ schemas }) => Object.keys(schemas).length === 2);
    expect(full.length).toBeGreaterThan(0);
    expect(full.length).toBeLessThan(10);
    expect(full[0]?.service).toMatchObject({
      framework: { name: 'java-chassis' },
      paths: [{ property: { checksession: 'false' } }],
      registerBy: 'SDK',
    });
    expect(Object.keys(full[0]?.tags ?? {})).toEqual(['team', 'stage']);
  });

  it.each(['1.x', '2.x'] as const)(
    'renews, and registers again what a %s lost',
    async (dialect) => {
      const target = await lab({ dialect });
      const running = await load(target.url, { services: 3, instancesPerService: 2 });
      await poll(() => running.statistics().heartbeats >= 12 || undefined, generousMs);
      const [victim] = running.instances();
      await fetch(
        `${target.url}/v4/default/registry/microservices/${victim?.serviceId}/instances/${victim?.instanceId}`,
        { method: 'DELETE' },
      );
      await poll(
        () => (idsIn(target).length === 6 && running.statistics().registeredAgain > 0) || undefined,
        generousMs,
      );
      expect(running.statistics().registeredAgain).toBeGreaterThan(0);
    },
  );

  it('changes at its pace, and what it says it holds is what there is', async () => {
    const target = await lab();
    const running = await load(target.url, { churnPerSecond: 100, heartbeatSeconds: 30 });
    await poll(() => running.statistics().changes >= 60 || undefined, generousMs);
    await running.stop();
    expect(running.statistics()).toMatchObject({ errors: 0, instances: 30 });
    expect(idsIn(target)).toEqual(idsOf(running));
    const kinds = new Set(target.history().entries.map(({ what }) => what));
    for (const what of ['PUT properties', 'PUT status', 'DELETE instance']) {
      expect(kinds).toContain(what);
    }
  });

  it('restarts many at once under their old ids, and leaves nothing when asked to', async () => {
    const target = await lab();
    const running = await load(target.url, { heartbeatSeconds: 30 });
    await running.massRestart(20);
    expect(running.statistics().restarts).toBe(20);
    expect(idsIn(target)).toEqual(idsOf(running));
    await running.stop({ unregister: true });
    expect(idsIn(target)).toEqual([]);
  });
});

describe('the lab command', () => {
  it('starts several registries, each with its own load, and says where', async () => {
    const lines: string[] = [];
    const running: RunningLab = await runLab(
      { registries: 2, port: 0, load: { services: 2, instancesPerService: 2 } },
      { onLine: (line) => lines.push(line) },
    );
    open.push(running);
    const states = running.registries.map(({ registry }) => registry.state());
    expect(states.map(({ name }) => name)).toEqual(['sc-0', 'sc-1']);
    for (const { instances } of states) expect(instances).toHaveLength(4);
    const ids = states.flatMap(({ instances }) => instances.map((one) => one.instance.instanceId));
    expect(new Set(ids).size).toBe(8);
    expect(lines[0]).toBe(`registry sc-0 listens on ${running.registries[0]?.url}`);
  });

  it('rejects and leaves nothing open when a port is taken', async () => {
    const taken = await lab();
    const port = Number(new URL(taken.url).port);
    const run = runLab({ registries: 1, port }, { onLine: () => undefined });
    await expect(run).rejects.toThrow(/EADDRINUSE/);
  });
});
