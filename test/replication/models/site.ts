// A site of a test: an export, a sink per peer, and real replication on a free loopback port.

import { createReplication } from '../../../daemon/replication/replication.ts';
import type { Replication, ReplicationOptions } from '../../../daemon/replication/replication.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { MemoryExport } from './memory-export.ts';
import { MemoryImport } from './memory-import.ts';

export interface Site extends AsyncDisposable {
  readonly source: MemoryExport;
  readonly replication: Replication;
  readonly port: number;
  readonly address: string;
  sink(cluster: string): MemoryImport;
}

/** State that outlives a site, as a restart keeps it. */
export interface SiteState {
  readonly source: MemoryExport;
  readonly sinks: Map<string, MemoryImport>;
}

export function newState(cluster: string): SiteState {
  return { source: new MemoryExport(cluster), sinks: new Map() };
}

export async function startSite(
  state: SiteState,
  options: Partial<ReplicationOptions> = {},
): Promise<Site> {
  const { source, sinks } = state;
  const sink = (cluster: string): MemoryImport => {
    const known = sinks.get(cluster) ?? new MemoryImport(cluster);
    sinks.set(cluster, known);
    return known;
  };
  const replication = createReplication({
    cluster: source.cluster,
    node: `${source.cluster}-1`,
    registry: `registry-of-${source.cluster}`,
    source,
    sinkFor: sink,
    lookup: {
      find: ({ service }) => [...source.records()].filter(({ key }) => key.includes(service)),
    },
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
  const { port } = await replication.start();
  return {
    source,
    replication,
    port,
    address: `127.0.0.1:${port}`,
    sink,
    [Symbol.asyncDispose]: () => replication.stop(false),
  };
}

/** Puts `count` instances of about 200 bytes into an export. */
export function fill(source: MemoryExport, count: number, prefix = 'a'): void {
  for (let index = 0; index < count; index++) {
    source.put('instance', `i/${prefix}/${index}`, payload(`${prefix}-${index}-`));
  }
}

export function payload(text: string): Uint8Array {
  return new TextEncoder().encode(text.padEnd(200, '.'));
}

/** True when the sink holds exactly what the source exports. */
export function isEqual(source: MemoryExport, sink: MemoryImport): boolean {
  if (source.size !== sink.held.size) return false;
  for (const record of source.records()) {
    if (sink.held.get(record.key)?.hash !== record.hash) return false;
  }
  return true;
}
