import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { replaySnapshot, Snapshot, SnapshotError } from './snapshot.ts';

let directory: string;
let file: string;
const clock = 5;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snapshot-'));
  file = join(directory, 'pool.snapshot');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (rejoinAfterLeave = false) =>
  Snapshot.open({
    file,
    rejoinAfterLeave,
    clock: systemClock,
    logger: silentLogger,
    times: () => ({ clock, eventClock: 7, queryClock: 9 }),
  });

describe('Snapshot', () => {
  it('gives back who was alive and the clocks, for the owner alone', async () => {
    const { snapshot } = await open();
    snapshot.alive('a b', '10.0.0.1:7946');
    snapshot.alive('c', '[::1]:7946');
    snapshot.alive('d', '10.0.0.2:7946');
    snapshot.notAlive('d');
    await snapshot.close();
    const { snapshot: second, found } = await open();
    expect([...found.alive]).toEqual([
      ['a b', '10.0.0.1:7946'],
      ['c', '[::1]:7946'],
    ]);
    expect(found).toMatchObject({ clock: 5, eventClock: 7, queryClock: 9 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await second.close();
  });

  it('forgets the pool after a leave, unless told to rejoin', async () => {
    const { snapshot } = await open();
    snapshot.alive('a', '10.0.0.1:1');
    snapshot.leave();
    await snapshot.close();
    const content = await readFile(file, 'utf8');
    expect(replaySnapshot(content, false).alive.size).toBe(0);
    expect(replaySnapshot(content, true).alive.size).toBe(1);
  });

  it('is written anew when it grows, and loses nothing by that', async () => {
    await writeFile(file, 'alive: gone 10.0.0.9:1\nnot-alive: gone\n'.repeat(5000));
    const { snapshot } = await open();
    snapshot.alive('a', '10.0.0.1:1');
    await snapshot.close();
    const content = await readFile(file, 'utf8');
    expect(content.length).toBeLessThan(200);
    expect([...replaySnapshot(content, false).alive.keys()]).toEqual(['a']);
  });

  it('takes no line from a name that would forge one', async () => {
    const { snapshot } = await open();
    snapshot.alive('x\nclock: 999999', '10.0.0.1:1');
    await snapshot.close();
    expect(replaySnapshot(await readFile(file, 'utf8'), false)).toMatchObject({ clock: 5 });
    expect(await readFile(file, 'utf8')).not.toContain('999999');
  });

  it('goes on in memory when the disk refuses, and counts it', async () => {
    const { snapshot } = await open();
    for (let index = 0; index < 5000; index += 1) snapshot.alive(`m${index}`, '10.0.0.1:1');
    await rm(directory, { recursive: true });
    await snapshot.close();
    expect(snapshot.failures).toBe(1);
  });

  it('names the file that it cannot use', async () => {
    file = join(directory, 'missing', 'pool.snapshot');
    await expect(open()).rejects.toThrow(SnapshotError);
    await expect(open()).rejects.toThrow(/missing/);
  });
});

describe('replaySnapshot', () => {
  it('reads what serf writes, and skips a line cut short by a crash', () => {
    const content = [
      'alive: serf-1 127.0.0.1:7946',
      'clock: 3',
      'event-clock: 4',
      'query-clock: 5',
      'coordinate: {"Vec":[0]}',
      '# comment',
      'alive: torn 127.0.0',
    ].join('\n');
    expect(replaySnapshot(content, false)).toEqual({
      alive: new Map([['serf-1', '127.0.0.1:7946']]),
      clock: 3,
      eventClock: 4,
      queryClock: 5,
    });
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.boolean(), (lines, rejoin) => {
        const found = replaySnapshot(lines.join('\n'), rejoin);
        expect(Number.isSafeInteger(found.clock)).toBe(true);
      }),
    );
  });
});
