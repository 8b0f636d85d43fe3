// Applications of one registry, as those of its kind behave: they register, renew, change and leave, and
// know nothing of syncers. The ledger is what they said; the registry must hold exactly that, and must
// not have been written to by anybody else.

import { nativesOf } from '../../support/checker/compare.ts';
import {
  sortedJson,
  type FoundInstance,
  type RegistryContent,
} from '../../support/checker/read-registry.ts';

/** An application of the kind, in the words of the checker, and how it speaks to its registry. */
export interface Native {
  /** What the checker must find of it. */
  readonly found: Omit<FoundInstance, 'healthCheck' | 'revision'>;
  register(properties: Readonly<Record<string, string>>): Promise<void>;
  /** Nothing where the kind has no leases. */
  renew?(): Promise<void>;
  remove(): Promise<void>;
}

export interface Natives {
  /** Registers it and renews it from now on; gives its id (`serviceId/instanceId`). */
  add(native: Native): Promise<string>;
  change(id: string, properties: Readonly<Record<string, string>>): Promise<void>;
  remove(id: string): Promise<void>;
  /** Stops renewing. */
  abandon(id: string): void;
  ids(): readonly string[];
  /** What the registry holds of them that differs from what they said, and what somebody else wrote. */
  differences(content: RegistryContent): readonly string[];
  /** Registers all again, as clients do whose registry has forgotten them. */
  reviveLost(): Promise<void>;
  stop(): void;
}

interface Entry {
  readonly native: Native;
  properties: Readonly<Record<string, string>>;
  /** As it was after our own last write; unknown until it was read. */
  revision: string | undefined;
}

const renewMs = 2_000;

/** Gives no applications yet. */
export function createNatives(): Natives {
  const entries = new Map<string, Entry>();
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id);
    if (entry === undefined) throw new Error(`nobody registered ${id}`);
    return entry;
  };
  const renewing = setInterval(() => {
    // A registry that is away, or has lost one of them, is the test's business.
    for (const { native } of entries.values()) void native.renew?.().catch(() => undefined);
  }, renewMs);

  return {
    async add(native) {
      const { found } = native;
      const id = `${found.serviceId}/${found.instanceId}`;
      await native.register(found.properties);
      entries.set(id, { native, properties: found.properties, revision: undefined });
      return id;
    },
    async change(id, properties) {
      const entry = entryOf(id);
      await entry.native.register(properties);
      entry.properties = properties;
      entry.revision = undefined;
    },
    async remove(id) {
      const { native } = entryOf(id);
      entries.delete(id);
      await native.remove();
    },
    abandon: (id) => void entries.delete(id),
    ids: () => [...entries.keys()],
    differences(content) {
      const found = new Map(
        nativesOf(content).map((one) => [`${one.serviceId}/${one.instanceId}`, one]),
      );
      const differences: string[] = [];
      for (const [id, entry] of entries) {
        const there = found.get(id);
        found.delete(id);
        if (there === undefined) {
          differences.push(`${id} is gone`);
          continue;
        }
        const { healthCheck: _check, revision, ...held } = there;
        const said = { ...entry.native.found, properties: entry.properties };
        if (sortedJson(held) !== sortedJson(said)) {
          differences.push(`${id} is ${sortedJson(held)}, not ${sortedJson(said)}`);
        }
        entry.revision ??= revision;
        if (entry.revision !== revision) {
          differences.push(`${id} was written to: ${revision ?? ''} for ${entry.revision ?? ''}`);
        }
      }
      return [...differences, ...[...found.keys()].map((id) => `${id} was registered by nobody`)];
    },
    async reviveLost() {
      for (const entry of entries.values()) {
        await entry.native.register(entry.properties);
        entry.revision = undefined;
      }
    },
    stop: () => clearInterval(renewing),
  };
}
