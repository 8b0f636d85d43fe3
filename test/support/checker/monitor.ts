// Watches registries while faults happen: an instance that should be there and is missing from a
// successful answer, even for one reading, is a false removal. A registry that does not answer is
// no evidence of anything.

import { readRegistry, RegistryReadError, type RegistryContent } from './read-registry.ts';

export interface Violation {
  readonly site: string;
  readonly atMs: number;
  readonly detail: string;
}

export interface Monitor {
  /** From now on these instances (`serviceId/instanceId` as that registry names them) must be there. */
  expect(site: string, ids: Iterable<string>): void;
  /** These may go from now on. */
  release(site: string, ids: Iterable<string>): void;
  /** Number of successful readings so far, all sites together. */
  readonly readings: number;
  /** Ends, and gives what was missing when. */
  stop(): Promise<readonly Violation[]>;
}

export interface WatchedSite {
  readonly cluster: string;
  readonly url: string;
  /** Reads a registry of another kind than ServiceCenter's. */
  readonly read?: (url: string) => Promise<RegistryContent>;
}

/** Starts reading each site's registry every `everyMs`. */
export function monitorSites(sites: readonly WatchedSite[], everyMs = 300): Monitor {
  const expected = new Map<string, Set<string>>();
  const violations: Violation[] = [];
  const missing = new Set<string>();
  let readings = 0;
  const stopping = new AbortController();

  const look = async ({ cluster, url, read = readRegistry }: WatchedSite): Promise<void> => {
    while (!stopping.signal.aborted) {
      // Only what was expected before the reading began can be missed by it.
      const before = [...(expected.get(cluster) ?? [])];
      try {
        const content = await read(url);
        const found = new Set(content.instances.map((one) => `${one.serviceId}/${one.instanceId}`));
        readings += 1;
        for (const id of before) {
          const name = `${cluster} ${id}`;
          if (found.has(id) || expected.get(cluster)?.has(id) !== true) {
            missing.delete(name);
          } else if (!missing.has(name)) {
            missing.add(name);
            violations.push({ site: cluster, atMs: Date.now(), detail: id });
          }
        }
      } catch (error) {
        if (!(error instanceof RegistryReadError)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const running = sites.map(look);

  return {
    expect(site, ids) {
      const set = expected.get(site) ?? new Set();
      for (const id of ids) set.add(id);
      expected.set(site, set);
    },
    release(site, ids) {
      for (const id of ids) expected.get(site)?.delete(id);
    },
    get readings() {
      return readings;
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return violations;
    },
  };
}
