// What every store must do, as tests: `sqlite-store.test.ts` runs them, and so does every other
// implementation of the port.

import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, verbatim } from '../model/reason.ts';
import type { AuditEntry, ExportedKey, HeldRemoval, Mapping, Store, Tombstone } from './ports.ts';

/** Opens the store that keeps its state in this directory; opening again finds the same. */
export type OpenStore = (directory: string) => Promise<Store>;

interface Model {
  readonly mappings: Map<string, Mapping>;
  readonly keys: Map<string, ExportedKey>;
  readonly tombstones: Map<string, Tombstone>;
  epoch: string | undefined;
  revision: number;
  readonly held: Map<string, HeldRemoval>;
  readonly state: Map<string, string>;
}

interface Step {
  readonly text: string;
  readonly run: (store: Store, model: Model) => void;
}

/** Gives a mapping with ids made from a number. */
export function sampleMapping(number: number): Mapping {
  return {
    cluster: 'west',
    domain: 'default',
    project: 'default',
    originServiceId: `origin-service-${number >> 4}`,
    originInstanceId: `origin-instance-${number}`,
    serviceId: `service-${number >> 4}`,
    instanceId: `instance-${number}`,
    hash: number * 1_000_003,
    leaseSeconds: 600,
  };
}

export function sampleAudit(number: number): AuditEntry {
  return {
    timeMs: 1_700_000_000_000 + number,
    action: number % 2 === 0 ? 'created' : 'removed',
    cluster: number % 3 === 0 ? 'west' : 'east',
    service: `service-${number % 5}`,
    instance: `instance-${number}`,
    reason: because('tombstone', { revision: number }),
  };
}

const text = fc.oneof(
  fc.constantFrom('a', 'b', '', 'ä', '日本', `quo'te"`, 'nul\0', '\ud800'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const id = fc.constantFrom('a', 'b', 'c', '\0', 'a\0b');
const hash = fc.integer({ min: 0, max: 2 ** 52 - 1 });
const timeMs = fc.double({ min: 0, max: 4e12, noNaN: true });
const kind = fc.constantFrom('service' as const, 'instance' as const);
const revision = fc.integer({ min: 1, max: 40 });

const mapping = fc.record({
  ...{ cluster: id, originServiceId: id, originInstanceId: id, domain: text, project: text },
  ...{ serviceId: text, instanceId: text, hash, leaseSeconds: fc.integer({ min: 0, max: 1e9 }) },
});
const exported = fc.record({ kind, key: id, revision, hash, originTimeMs: timeMs });
const proof = fc.constantFrom('tombstone' as const, 'absence' as const);
const tombstone = fc.record({ kind, key: id, revision, proof, originTimeMs: timeMs });
const held = fc.record({
  ...{ id, cluster: text, originServiceId: text, originInstanceId: text, heldSinceMs: timeMs },
  ...{ reason: text.map(verbatim), decision: fc.constantFrom('waiting' as const, 'keep' as const) },
});

const mappingId = (value: Mapping): string =>
  JSON.stringify([value.cluster, value.originServiceId, value.originInstanceId]);
const keyId = (entry: Pick<ExportedKey, 'kind' | 'key'>): string =>
  JSON.stringify([entry.kind, entry.key]);

/** Half a surrogate pair cannot be kept as UTF-8; it comes back as U+FFFD. */
function wellFormed<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]: [string, unknown]) => [
      name,
      typeof field === 'string' ? field.toWellFormed() : field,
    ]),
  ) as T;
}

function step(name: string, value: unknown, run: Step['run']): Step {
  return { text: `${name} ${JSON.stringify(value)}`, run };
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  mapping.map((value) =>
    step('putMapping', value, (store, model) => {
      store.putMapping(value);
      model.mappings.set(mappingId(value), wellFormed(value));
    }),
  ),
  mapping.map((value) =>
    step('deleteMapping', value, (store, model) => {
      store.deleteMapping(value);
      model.mappings.delete(mappingId(value));
    }),
  ),
  exported.map((entry) =>
    step('putExported', entry, (store, model) => {
      store.putExported(entry);
      model.tombstones.delete(keyId(entry));
      model.keys.set(keyId(entry), entry);
      model.revision = Math.max(model.revision, entry.revision);
    }),
  ),
  tombstone.map((entry) =>
    step('putTombstone', entry, (store, model) => {
      store.putTombstone(entry);
      model.keys.delete(keyId(entry));
      model.tombstones.set(keyId(entry), entry);
      model.revision = Math.max(model.revision, entry.revision);
    }),
  ),
  revision.map((upTo) =>
    step('trimTombstones', upTo, (store, model) => {
      store.trimTombstones(upTo);
      for (const [key, entry] of model.tombstones) {
        if (entry.revision <= upTo) model.tombstones.delete(key);
      }
    }),
  ),
  fc.constantFrom('e1', 'e2').map((epoch) =>
    step('startEpoch', epoch, (store, model) => {
      store.startEpoch(epoch);
      model.keys.clear();
      model.tombstones.clear();
      model.epoch = epoch;
      model.revision = 0;
    }),
  ),
  held.map((value) =>
    step('putHeld', value, (store, model) => {
      store.putHeld(value);
      model.held.set(value.id, wellFormed(value));
    }),
  ),
  id.map((which) =>
    step('deleteHeld', which, (store, model) => {
      store.deleteHeld(which);
      model.held.delete(which);
    }),
  ),
  fc.tuple(id, text).map(([key, value]) =>
    step('putState', [key, value], (store, model) => {
      store.putState(key, value);
      model.state.set(key, value.toWellFormed());
    }),
  ),
  id.map((key) =>
    step('deleteState', key, (store, model) => {
      store.deleteState(key);
      model.state.delete(key);
    }),
  ),
);

const by = (left: unknown, right: unknown): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;

async function expectModel(store: Store, model: Model): Promise<void> {
  expect([...(await store.loadMappings())].sort(by)).toEqual([...model.mappings.values()].sort(by));
  expect([...(await store.loadHeld())].sort(by)).toEqual([...model.held.values()].sort(by));
  expect([...(await store.loadState())].sort(by)).toEqual([...model.state].sort(by));
  const log = await store.loadExport();
  expect(log?.epoch).toBe(model.epoch);
  if (log === undefined) return;
  expect(log.revision).toBe(model.revision);
  expect([...log.keys].sort(by)).toEqual([...model.keys.values()].sort(by));
  expect([...log.tombstones].sort(by)).toEqual([...model.tombstones.values()].sort(by));
}

/** Declares the tests of the port for one implementation. */
export function describeStoreContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the contract of a store`, () => {
    let directory: string;
    const opened: Store[] = [];

    const openHere = async (where = directory): Promise<Store> => {
      const store = await open(where);
      opened.push(store);
      return store;
    };

    beforeEach(() => {
      directory = mkdtempSync(path.join(os.tmpdir(), 'syncer-store-'));
    });
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
      rmSync(directory, { recursive: true });
    });

    it('is empty at first, and says that it is fresh', async () => {
      const store = await openHere();
      expect(store.origin.kind).toBe('fresh');
      expect(store.trouble).toBeUndefined();
      expect(await store.loadMappings()).toEqual([]);
      expect(await store.loadExport()).toBeUndefined();
      expect(await store.loadHeld()).toEqual([]);
      expect((await store.loadState()).size).toBe(0);
      expect(await store.audit.read({ limit: 10 })).toEqual([]);
    });

    it('finds after reopening what any sequence of operations left', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(steps, { maxLength: 60 }), { minLength: 1, maxLength: 2 }),
          async (sessions) => {
            const where = mkdtempSync(path.join(directory, 'run-'));
            const model: Model = {
              ...{ mappings: new Map(), keys: new Map(), tombstones: new Map(), epoch: undefined },
              ...{ revision: 0, held: new Map(), state: new Map() },
            };
            // The port starts an epoch before anything is exported.
            let first = true;
            for (const session of sessions) {
              const store = await openHere(where);
              if (first) {
                store.startEpoch('e0');
                model.epoch = 'e0';
                first = false;
              } else expect(store.origin.kind).toBe('opened');
              for (const [index, { run }] of session.entries()) {
                run(store, model);
                if (index % 7 === 6) await store.flush();
              }
              await store.close();
            }
            const store = await openHere(where);
            await expectModel(store, model);
            await store.close();
          },
        ),
        // Each run starts two or three stores: few, and long ones.
        { numRuns: 5, endOnFailure: true },
      );
    });

    it('gives the audit log newest first, filtered, and by pages', async () => {
      const store = await openHere();
      for (let number = 0; number < 30; number += 1) store.audit.append(sampleAudit(number));
      const all = await store.audit.read({ limit: 100 });
      expect(all).toHaveLength(30);
      expect(all[0]).toEqual(sampleAudit(29));
      const west = await store.audit.read({ cluster: 'west', service: 'service-0', limit: 100 });
      expect(west.map((entry) => entry.instance)).toEqual(['instance-15', 'instance-0']);
      const page = await store.audit.read({ limit: 2, beforeMs: sampleAudit(10).timeMs });
      expect(page.map((entry) => entry.instance)).toEqual(['instance-9', 'instance-8']);
      expect(await store.audit.read({ instance: 'instance-7', limit: 5 })).toEqual([
        sampleAudit(7),
      ]);
    });

    it('finishes what it was given before it closes, and closes once', async () => {
      const store = await openHere();
      for (let number = 0; number < 2500; number += 1) store.putMapping(sampleMapping(number));
      await Promise.all([store.close(), store.close()]);
      const again = await openHere();
      expect(await again.loadMappings()).toHaveLength(2500);
    });
  });
}
