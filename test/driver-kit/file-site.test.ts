// A site whose registry is a file, in a pool with a site of a registry with ServiceCenter's API: each
// finds the other's services, and nobody's own are touched. The driver comes from outside the daemon.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../support/application.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { poll } from '../support/poll.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 90_000;
const driver = join(import.meta.dirname, '../../examples/file-driver/driver.ts');

interface StoredCopy {
  readonly service: string;
  readonly id: string;
  readonly endpoints: readonly string[];
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
}

describe('a site whose registry is a file', () => {
  let folder: string;
  let endpoints: string;
  let center: TestRegistry;
  let applications: Applications;
  let south: TestDaemon;
  let north: TestDaemon;

  const own = (port: number): string => `# Kept by hand
services:
  - name: printing
    app: office
    version: 2.0.0
    properties: { floor: '3' }
    instances:
      - id: printer-1
        hostName: printer
        endpoints: ['rest://10.20.0.1:${port}']
`;
  const copies = async (): Promise<readonly StoredCopy[]> => {
    const text = await readFile(`${endpoints}.copies.json`, 'utf8').catch(() => undefined);
    if (text === undefined) return [];
    return (JSON.parse(text) as { readonly instances: readonly StoredCopy[] }).instances;
  };

  /** Endpoints of the file's service, as a consumer of the other registry finds them. */
  const printing = async (): Promise<readonly string[]> => {
    const registry = `${center.url}/v4/default/registry`;
    const headers = { 'x-domain-name': 'default' };
    const listed = (await (await fetch(`${registry}/microservices`, { headers })).json()) as {
      services?: { serviceId: string; serviceName: string }[];
    };
    const found = listed.services?.find(({ serviceName }) => serviceName === 'printing');
    if (found === undefined) return [];
    const path = `${registry}/microservices/${found.serviceId}/instances`;
    const { instances = [] } = (await (await fetch(path, { headers })).json()) as {
      instances?: { endpoints: string[] }[];
    };
    return instances.flatMap(({ endpoints: at }) => at);
  };
  const untilFound = (endpoint: string): Promise<true> =>
    poll(async () => ((await printing()).includes(endpoint) ? true : undefined), limitMs);

  let serviceId = '';
  let instanceId = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-site-'));
    endpoints = join(folder, 'endpoints.yaml');
    await writeFile(endpoints, own(9100));
    const config = join(folder, 'syncer.yaml');
    await writeFile(
      config,
      `registry:\n  kind: ${driver}\n  options:\n    file: ${endpoints}\n    everyMs: 100\n`,
    );
    center = await startRegistry('lab');
    applications = startApplications(center.url);
    south = await startDaemon({ cluster: 'south', registries: [center.url] });
    north = await startDaemon({
      cluster: 'north',
      registries: ['http://127.0.0.1:1'],
      join: [south.gossip],
      flags: ['--config', config],
    });
  }, 200_000);

  afterAll(async () => {
    applications.stop();
    await Promise.all([south.stop(), north.stop()]);
    await center.close();
    await rm(folder, { recursive: true, force: true });
  }, 100_000);

  it('brings the services of the other site into its file of copies', async () => {
    serviceId = await applications.service({ serviceName: 'orders', version: '1.2.3' });
    instanceId = await applications.instance(serviceId, { endpoints: ['rest://10.10.0.1:8080'] });
    const found = await poll(
      async () => (await copies()).find(({ endpoints: at }) => at[0] === 'rest://10.10.0.1:8080'),
      limitMs,
    );
    expect(found.status).toBe('UP');
    expect(found.properties['syncer-origin-cluster']).toBe('south');
    expect(await readFile(endpoints, 'utf8')).toBe(own(9100));
  });

  it('is found by the other site, and so is a change of the file', async () => {
    await untilFound('rest://10.20.0.1:9100');
    await writeFile(endpoints, own(9200));
    await untilFound('rest://10.20.0.1:9200');
  });

  it('takes a copy out when it has left its own site', async () => {
    await applications.remove(serviceId, instanceId);
    await poll(async () => ((await copies()).length === 0 ? true : undefined), limitMs);
  });

  it('removes nothing elsewhere while its file is half written', async () => {
    await writeFile(endpoints, 'services:\n  - name: [');
    await poll(
      () => north.log.find(({ msg }) => msg.startsWith('registry bad-answer: format:')),
      limitMs,
    );
    expect(await printing()).toEqual(['rest://10.20.0.1:9200']);
    await writeFile(endpoints, own(9200));
    await poll(
      () =>
        north.log.findLast(({ msg }) => /^registry (answering|bad)/.test(msg))?.msg ===
          'registry answering' || undefined,
      limitMs,
    );
    expect(await printing()).toEqual(['rest://10.20.0.1:9200']);
  });
});
