import Database from 'better-sqlite3';
import fc from 'fast-check';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../support/clock.ts';
import { silentLogger } from '../support/logger.ts';
import { seededRandom } from '../support/random.ts';
import { openDatabase } from './open-database.ts';
import type { OpenedDatabase } from './open-database.ts';
import type { Mapping, Store } from './ports.ts';
import { operationWriter, readMappings } from './rows.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStoreSettings } from './sqlite-store.ts';
import { describeStoreContract, sampleAudit, sampleMapping } from './store-contract.ts';

const surroundings = { clock: systemClock, random: seededRandom(1), logger: silentLogger };

const open = (settings: SqliteStoreSettings): Promise<Store> =>
  openSqliteStore(settings, surroundings);

describeStoreContract('SQLite', (directory) => open({ directory }));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'syncer-sqlite-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const fileOf = (where: string): string => path.join(where, 'state.db');

describe('a damaged file', () => {
  /** A directory with 300 mappings and all other kinds of rows, closed in order. */
  let pattern: string;
  const wanted = Array.from({ length: 300 }, (_, number) => sampleMapping(number));
  const sorted = (mappings: readonly Mapping[]): Mapping[] =>
    [...mappings].sort((left, right) => left.hash - right.hash);

  beforeAll(async () => {
    pattern = mkdtempSync(path.join(os.tmpdir(), 'syncer-pattern-'));
    const store = await open({ directory: pattern });
    store.startEpoch('e1');
    for (const mapping of wanted) store.putMapping(mapping);
    store.putExported({ kind: 'service', key: 'k', revision: 3, hash: 9, originTimeMs: 1 });
    store.putState('paused', 'west');
    await store.close();
  });
  afterAll(() => rmSync(pattern, { recursive: true }));

  /** In place rather than in the worker: these tests open a file some hundred times. */
  const openInPlace = (where: string, nowMs = 1): OpenedDatabase =>
    openDatabase({ file: fileOf(where), maxAuditEntries: 10, maxPages: undefined, nowMs });

  /** Opens what is there and expects either exactly the old state, or a new one and the old aside. */
  function expectWholeOrRebuilt(where: string): Store['origin']['kind'] {
    const { database, origin } = openInPlace(where);
    try {
      const mappings = [...readMappings(database)];
      const asideFiles = readdirSync(where).filter((name) => name.includes('.broken-'));
      if (origin.kind === 'rebuilt') {
        expect(mappings).toEqual([]);
        expect(asideFiles.length).toBeGreaterThan(0);
        expect(origin.detail).toContain('set aside as state.db.broken-');
      } else {
        expect(origin.kind).toBe('opened');
        expect(sorted(mappings)).toEqual(wanted);
        expect(asideFiles).toEqual([]);
      }
      operationWriter(database).apply({ type: 'put-mapping', mapping: sampleMapping(1000) });
      return origin.kind;
    } finally {
      database.close();
    }
  }

  const copy = (): string => {
    const where = mkdtempSync(path.join(directory, 'copy-'));
    copyFileSync(fileOf(pattern), fileOf(where));
    return where;
  };

  it('of no length is set aside', () => {
    const where = copy();
    truncateSync(fileOf(where), 0);
    expect(expectWholeOrRebuilt(where)).toBe('rebuilt');
  });

  it('that is no database is set aside', () => {
    const where = copy();
    writeFileSync(fileOf(where), 'not a database '.repeat(500));
    expect(expectWholeOrRebuilt(where)).toBe('rebuilt');
  });

  it('cut anywhere is set aside', () => {
    const size = readFileSync(fileOf(pattern)).length;
    for (const length of [1, 50, 100, 4096, 8192, size >> 1, size - 4096, size - 1]) {
      const where = copy();
      truncateSync(fileOf(where), length);
      expect([length, expectWholeOrRebuilt(where)]).toEqual([length, 'rebuilt']);
    }
  });

  it('with any bytes changed is either as it was or set aside, never wrong', () => {
    const whole = readFileSync(fileOf(pattern));
    let rebuilt = 0;
    const change = fc.tuple(
      fc.nat(whole.length - 1),
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const where = copy();
        const bytes = Buffer.from(whole);
        for (const [offset, noise] of changes)
          bytes.set(noise.slice(0, whole.length - offset), offset);
        writeFileSync(fileOf(where), bytes);
        if (expectWholeOrRebuilt(where) === 'rebuilt') rebuilt += 1;
      }),
      { numRuns: 100 },
    );
    expect(rebuilt).toBeGreaterThan(0);
  });

  it.each(['time_ms', 'held_since_ms', 'export_epoch', "proof <> ''"])(
    'with one changed letter in the definition of %s is set aside',
    (word) => {
      const where = copy();
      const bytes = readFileSync(fileOf(where));
      const place = bytes.indexOf(word);
      expect(place).toBeGreaterThan(0);
      bytes[place + 1] = 'A'.charCodeAt(0);
      writeFileSync(fileOf(where), bytes);
      expect(expectWholeOrRebuilt(where)).toBe('rebuilt');
    },
  );

  it('with one flipped bit inside a value is set aside, though its pages are sound', async () => {
    const where = copy();
    const bytes = readFileSync(fileOf(where));
    const place = bytes.indexOf('origin-instance-77');
    expect(place).toBeGreaterThan(0);
    bytes[place + 16] = (bytes[place + 16] ?? 0) ^ 1;
    writeFileSync(fileOf(where), bytes);
    const store = await open({ directory: where });
    expect(store.origin).toMatchObject({ kind: 'rebuilt' });
    expect(store.origin.detail).toContain('a row of mapping is damaged');
    await store.close();
  });

  it('is kept three times over, not without end', () => {
    const where = copy();
    for (let round = 0; round < 5; round += 1) {
      truncateSync(fileOf(where), 10);
      openInPlace(where, round).database.close();
    }
    const aside = readdirSync(where).filter((name) => /broken-[\dTZ-]+$/.test(name));
    expect(aside).toHaveLength(3);
  });

  it('whose journal is gone or garbled opens as of an earlier moment', async () => {
    const source = mkdtempSync(path.join(directory, 'live-'));
    const live = await open({ directory: source });
    live.putState('before', '1');
    await live.flush();
    for (const treat of ['gone', 'garbled'] as const) {
      const where = mkdtempSync(path.join(directory, 'wal-'));
      copyFileSync(fileOf(source), fileOf(where));
      const journal = `${fileOf(source)}-wal`;
      expect(existsSync(journal)).toBe(true);
      if (treat === 'garbled') {
        const bytes = readFileSync(journal);
        for (let offset = 24; offset < bytes.length; offset += 97) bytes[offset] = 0xa5;
        writeFileSync(`${fileOf(where)}-wal`, bytes);
      }
      const store = await open({ directory: where });
      const state = await store.loadState();
      expect([undefined, '1']).toContain(state.get('before'));
      store.putState('after', '2');
      await store.flush();
      await store.close();
    }
    await live.close();
  });

  it('of a newer version is refused and left as it is', async () => {
    const where = copy();
    const database = new Database(fileOf(where));
    database.exec(`INSERT INTO migration VALUES (99, 'from the future', 0)`);
    database.close();
    await expect(open({ directory: where })).rejects.toMatchObject({
      code: 'store.newer-version',
      parameters: { found: 99, known: 1 },
    });
    expect(readdirSync(where).some((name) => name.includes('.broken-'))).toBe(false);
  });
});

describe('a disk that refuses', () => {
  it('is trouble in words, and loses nothing once there is room', async () => {
    const small = await open({ directory, maxPages: 40 });
    for (let number = 0; number < 5000; number += 1) small.putMapping(sampleMapping(number));
    await expect(small.flush()).rejects.toMatchObject({ code: 'store.unwritable' });
    expect(small.trouble).toMatch(/full.*SQLITE_FULL.*writes wait in memory/);
    // Changes of what waits cost no further memory.
    const waiting = Number(/(\d+) writes wait/.exec(small.trouble ?? '')?.[1]);
    for (let round = 0; round < 3; round += 1) {
      for (let number = 4000; number < 5000; number += 1) {
        small.putMapping({ ...sampleMapping(number), leaseSeconds: round });
      }
    }
    expect(Number(/(\d+) writes wait/.exec(small.trouble ?? '')?.[1])).toBe(waiting);
    // Room comes back: most of what waits is taken away again.
    for (let number = 100; number < 5000; number += 1) small.deleteMapping(sampleMapping(number));
    await until(() => small.trouble === undefined);
    await small.flush();
    expect(await small.loadMappings()).toHaveLength(100);
    await small.close();
  });

  it('shows audit entries that wait', async () => {
    const small = await open({ directory, maxPages: 40 });
    for (let number = 0; number < 5000; number += 1) small.putMapping(sampleMapping(number));
    small.audit.append(sampleAudit(1));
    await expect(small.flush()).rejects.toMatchObject({ code: 'store.unwritable' });
    expect(await small.audit.read({ limit: 3 })).toEqual([sampleAudit(1)]);
    await small.close();
  });
});

describe('the file', () => {
  it('keeps the newest entries of the audit log alone', async () => {
    const store = await open({ directory, maxAuditEntries: 50 });
    for (let number = 0; number < 2500; number += 1) store.audit.append(sampleAudit(number));
    const entries = await store.audit.read({ limit: 1000 });
    expect(entries).toHaveLength(50);
    expect(entries.at(-1)).toEqual(sampleAudit(2450));
    await store.close();
  });

  it('takes the other writes of a batch in which one is impossible', async () => {
    const store = await open({ directory });
    store.putState('one', '1');
    store.putMapping({ ...sampleMapping(1), leaseSeconds: Number.NaN });
    store.putState('two', '2');
    await store.flush();
    expect([...(await store.loadState()).keys()].sort()).toEqual(['one', 'two']);
    expect(await store.loadMappings()).toEqual([]);
    await store.close();
  });

  it('that cannot be made is an error with its reason', async () => {
    await expect(open({ directory: path.join(directory, 'missing') })).rejects.toMatchObject({
      code: 'store.unwritable',
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition never came true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
