import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../model/records.ts';
import type { ExportedKey, ExportStateStore, StateStore, Tombstone } from '../store/ports.ts';
import { seededRandom } from '../support/random.ts';
import { DigestTable } from '../model/digest.ts';
import { ExportLog } from './export-log.ts';

/** Keeps what a store would, between two logs. */
function keptExport(): ExportStateStore & StateStore {
  let epoch: string | undefined;
  const keys = new Map<string, ExportedKey>();
  const tombstones = new Map<string, Tombstone>();
  const state = new Map<string, string>();
  return {
    loadExport: async () =>
      epoch === undefined
        ? undefined
        : {
            epoch,
            revision: Math.max(
              0,
              ...[...keys.values(), ...tombstones.values()].map(({ revision }) => revision),
            ),
            keys: [...keys.values()],
            tombstones: [...tombstones.values()],
          },
    startEpoch: (started) => {
      epoch = started;
      keys.clear();
      tombstones.clear();
    },
    putExported: (entry) => {
      keys.set(entry.key, entry);
      tombstones.delete(entry.key);
    },
    putTombstone: (entry) => {
      keys.delete(entry.key);
      tombstones.set(entry.key, entry);
    },
    trimTombstones: (upTo) => {
      for (const [key, { revision }] of tombstones) if (revision <= upTo) tombstones.delete(key);
    },
    loadState: async () => new Map(state),
    putState: (key, value) => void state.set(key, value),
    deleteState: (key) => void state.delete(key),
  };
}

async function openLog(store: ExportStateStore & StateStore): Promise<ExportLog> {
  const log = new ExportLog('a', store);
  await log.load(await store.loadState(), seededRandom(1));
  return log;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const key = (index: number): string => `i/s/${index}`;

interface Change {
  readonly key: number;
  readonly content: string | undefined;
}
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    key: fc.nat(6),
    content: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
  }),
  { maxLength: 60 },
);

function apply(log: ExportLog, change: Change): void {
  if (change.content === undefined) log.remove(key(change.key), 'tombstone', 1);
  else log.upsert('instance', key(change.key), bytes(change.content), 1);
}

describe('ExportLog', () => {
  it('tells a reader that stands anywhere all it needs, newest entry per key, in order', async () => {
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(60), async (list, cut) => {
        const log = await openLog(keptExport());
        const reader = new Map<string, string>();
        const read = (entries: readonly LogEntry[] | undefined): void => {
          let revision = 0;
          const seen = new Set<string>();
          for (const entry of entries ?? []) {
            expect(entry.revision).toBeGreaterThan(revision);
            expect(seen.has(entry.key)).toBe(false);
            seen.add(entry.key);
            revision = entry.revision;
            if (entry.type === 'removal') reader.delete(entry.key);
            else reader.set(entry.key, Buffer.from(entry.payload).toString());
          }
        };
        for (const change of list.slice(0, cut)) apply(log, change);
        read(log.since({ epoch: log.epoch, revision: 0 }, 1000));
        const { revision } = log;
        for (const change of list.slice(cut)) apply(log, change);
        read(log.since({ epoch: log.epoch, revision }, 1000));
        const live = [...log.records()].map(
          (record) => [record.key, Buffer.from(record.payload).toString()] as const,
        );
        expect(reader).toEqual(new Map(live));
      }),
    );
  });

  it('keeps its digests equal to those of its records', async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const log = await openLog(keptExport());
        for (const change of list) apply(log, change);
        const table = new DigestTable();
        for (const record of log.records()) table.toggle(record.key, record.hash);
        expect(log.digests()).toEqual(table.values());
      }),
    );
  });

  it('goes on with its epoch and revisions after a restart, for content that did not change', async () => {
    const store = keptExport();
    const first = await openLog(store);
    first.upsert('instance', key(1), bytes('x'), 1);
    first.upsert('instance', key(2), bytes('x'), 1);
    const position = { epoch: first.epoch, revision: first.revision };

    const second = await openLog(store);
    expect(second.epoch).toBe(first.epoch);
    expect(second.ghostKeys()).toEqual([key(1), key(2)]);
    second.upsert('instance', key(1), bytes('x'), 2);
    second.upsert('instance', key(2), bytes('changed'), 2);
    expect(second.record(key(1))?.revision).toBe(1);
    const told = second.since(position, 10);
    expect(told?.map((entry) => entry.key)).toEqual([key(2)]);
  });

  it('sends a snapshot to a peer that heard what the crashed process could not keep', async () => {
    const store = keptExport();
    const first = await openLog(store);
    first.upsert('instance', key(1), bytes('x'), 1);
    const second = await openLog(store);
    expect(second.since({ epoch: second.epoch, revision: 1 }, 10)).toEqual([]);
    expect(second.since({ epoch: second.epoch, revision: 5 }, 10)).toBeUndefined();
    expect(second.since({ epoch: second.epoch, revision: second.revision }, 10)).toEqual([]);
    expect(second.since({ epoch: 'another', revision: 1 }, 10)).toBeUndefined();
  });
});
