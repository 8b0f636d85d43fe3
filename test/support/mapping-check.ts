// Whether a site's mapping is what its registry holds: the same in etcd, in the SQLite of every replica
// that runs, and in the stamps of the registry's copies.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { factsKey } from '../../daemon/store/etcd-mapping.ts';
import { readMappingFile } from '../../daemon/store/mapping-file.ts';
import type { Mapping } from '../../daemon/store/ports.ts';
import { readRegistry, sortedJson } from './checker/read-registry.ts';
import type { Host } from './netns.ts';
import { poll } from './poll.ts';
import type { ReplicaSite } from './replica-sites.ts';

/** Waits until they agree; rejects with what differs when they do not. `etcdUrl`: an existing etcd. */
export async function mappingsAgree(site: ReplicaSite, etcdUrl?: string): Promise<void> {
  await poll(
    async () => {
      const copies = await copiesOf(site);
      const found = new Map<string, readonly Mapping[]>();
      for (const node of site.replicas.keys()) {
        const dataDir = site.places.get(node)?.dataDir ?? '';
        const url =
          etcdUrl ?? readFileSync(path.join(dataDir, 'etcd', 'client-url'), 'utf8').trim();
        found.set(`etcd of ${node}`, await mappingIn(url, site.places.get(node)?.host));
        found.set(`SQLite of ${node}`, readMappingFile(dataDir) ?? []);
      }
      const texts = new Map(
        [...found].map(([place, mappings]) => [
          place,
          mappings.map((one) => sortedJson(one)).sort(),
        ]),
      );
      const [first, ...others] = texts;
      for (const [place, text] of others) differ(first?.[0] ?? '', first?.[1] ?? [], place, text);
      const [mappings = []] = found.values();
      const ids = mappings
        .map((one) => `${factsKey(one)} ${one.serviceId}/${one.instanceId}`)
        .sort();
      differ('the mapping', ids, 'the registry', copies);
      return true;
    },
    60_000,
    500,
  );
}

/** Read by a process on the replica's own host: a member listens for clients on loopback alone. */
async function mappingIn(url: string, host: Host | undefined): Promise<readonly Mapping[]> {
  const command = [process.execPath, new URL('mapping-dump.ts', import.meta.url).pathname, url];
  const [file = '', ...args] = host?.wrap(command) ?? command;
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 256 * 1024 * 1024 });
  return JSON.parse(stdout) as readonly Mapping[];
}

async function copiesOf(site: ReplicaSite): Promise<readonly string[]> {
  const { instances } = await readRegistry(site.registry.url);
  return instances
    .flatMap(({ serviceId, instanceId, properties }) => {
      const cluster = properties['syncer-origin-cluster'];
      if (cluster === undefined) return [];
      const key = factsKey({
        cluster,
        originServiceId: properties['syncer-origin-service'] ?? '',
        originInstanceId: properties['syncer-origin-instance'] ?? '',
      });
      return [`${key} ${serviceId}/${instanceId}`];
    })
    .sort();
}

function differ(
  one: string,
  left: readonly string[],
  other: string,
  right: readonly string[],
): void {
  const [only, alsoOnly] = [
    left.filter((text) => !right.includes(text)),
    right.filter((text) => !left.includes(text)),
  ];
  if (only.length + alsoOnly.length === 0) return;
  throw new Error(
    `${one} has ${only.slice(0, 3).join(' ')}, ${other} has ${alsoOnly.slice(0, 3).join(' ')}`,
  );
}
