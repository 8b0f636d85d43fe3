// What applications do in an ordinary day, on two or three sites, judged by the registries' own
// answers. Run on lab registries and on real ServiceCenters.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readRegistry } from '../support/checker/read-registry.ts';
import { registryUnavailable, type RegistryKind } from '../support/registry.ts';
import { poll } from '../support/poll.ts';
import { fullInstance, fullService } from './full-content.ts';
import { startSites, type Sites } from './sites.ts';

const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;

/** Declares the tests for registries of one kind. */
export function describeJourney(kind: RegistryKind): void {
  describe(`an ordinary day on ${kind} registries`, () => {
    it.for([2, 3])('%i sites hold the same after every change', async (count, context) => {
      const reason = registryUnavailable(kind);
      if (reason !== undefined) context.skip(reason);
      const sites = await startSites(kind, count);
      onTestFinished(() => sites.close());
      const times = await ordinaryDay(sites);
      console.log(`${kind}, ${count} sites, time until all equal (ms): ${JSON.stringify(times)}`);
      await nothingChangesByItself(sites);
      await provenEqual(sites, Date.now());
    });
  });
}

async function ordinaryDay(sites: Sites): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const measure = async (what: string): Promise<void> => {
    times[what] = Math.round(await sites.inSync());
  };
  const [here, there] = sites.all as [Sites['all'][number], Sites['all'][number]];
  const applications = here.applications;

  const serviceId = await applications.service(fullService);
  const first = await applications.instance(serviceId, fullInstance);
  await measure('create with every field');

  const second = await applications.instance(serviceId, { status: 'UP' });
  await measure('second instance');
  await applications.setStatus(serviceId, first, 'OUTOFSERVICE');
  await measure('status change');
  await applications.setProperties(serviceId, first, { zone: 'b' });
  await measure('property change');
  await applications.remove(serviceId, second);
  await measure('removal');

  // The lease of this one is 2 s: it runs out at its origin.
  const dying = await applications.instance(serviceId, {
    healthCheck: { mode: 'push', interval: 1, times: 1 },
  });
  await measure('short-lived instance');
  applications.abandon(serviceId, dying);
  await measure('lease expiry at the origin');

  // The same service on the other site, native there: only instances are added to it.
  const nativeThere = await there.applications.service({ ...fullService, description: 'theirs' });
  await there.applications.instance(nativeThere, { hostName: 'their-host' });
  await measure('native service of the same name elsewhere');

  const upgraded = await applications.service({ ...fullService, version: '2.0.0' });
  await applications.instance(upgraded, fullInstance);
  await measure('new version');
  await changeSchema(here.registry.url, upgraded);
  await measure('schema change');

  await applications.remove(serviceId, first);
  await applications.remove(
    upgraded,
    applications
      .ids()
      .find((id) => id.startsWith(upgraded))!
      .split('/')[1]!,
  );
  await measure('last instances gone');
  return times;
}

/** Brings a schema of a service in development to another text, as an SDK does after a new build. */
async function changeSchema(url: string, serviceId: string): Promise<void> {
  const path = `${url}/v4/default/registry/microservices/${serviceId}/schemas/pay.v1`;
  const response = await fetch(path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-domain-name': 'default' },
    body: JSON.stringify({
      schemaId: 'pay.v1',
      summary: 'cc33',
      schema: 'swagger: "2.0"\ninfo: {title: changed}\n',
    }),
  });
  expect(response.status).toBe(200);
}

/** Each daemon says of each peer that digests have proved equality after `sinceMs`. */
async function provenEqual(sites: Sites, sinceMs: number): Promise<void> {
  for (const { dataDir } of sites.all) {
    await poll(async () => {
      const { peers } = await statusOf(dataDir);
      expect(peers).toHaveLength(sites.all.length - 1);
      for (const { provenEqualMs } of peers) expect(provenEqualMs).toBeGreaterThan(sinceMs);
      return true;
    }, 60_000);
  }
}

async function statusOf(
  dataDir: string,
): Promise<{ readonly peers: readonly { readonly provenEqualMs?: number }[] }> {
  const args = [entry, 'status', '--json', '--data-dir', dataDir];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout) as { peers: Awaited<ReturnType<typeof statusOf>> }).peers;
}

/** Once all is equal, the registries stay as they are: no write without a reason. */
async function nothingChangesByItself(sites: Sites): Promise<void> {
  const stamps = async (): Promise<readonly (readonly string[])[]> =>
    Promise.all(
      sites.all.map(async ({ registry }) => {
        const response = await fetch(`${registry.url}/v4/default/admin/dump`);
        const { cache } = (await response.json()) as {
          cache: Record<string, { key: string; rev: number }[]>;
        };
        return ['services', 'instances', 'summaries', 'serviceTags']
          .flatMap((part) => (cache[part] ?? []).map(({ key, rev }) => `${key} ${rev}`))
          .sort();
      }),
    );
  const before = await stamps();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const after = await stamps();
  // A cache may forget now what went long ago (2.x, after it lost most of a service at once); what is
  // gone and should not be is seen by the checker.
  const written = after.map((lines, site) => lines.filter((line) => !before[site]!.includes(line)));
  expect(written).toEqual(after.map(() => []));
  await sites.inSync(1_000);
  for (const { registry } of sites.all)
    expect((await readRegistry(registry.url)).services.size).toBeGreaterThan(0);
}
