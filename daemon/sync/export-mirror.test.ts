// A follower's export log against the leader's: whatever the leader writes and however its stream is cut,
// the two end alike, and a peer that moves from one to the other at any moment misses nothing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry, Position } from '../model/records.ts';
import type { ExportStateStore, StateStore } from '../store/ports.ts';
import { seededRandom } from '../support/random.ts';
import { ExportLog } from './export-log.ts';
import { ExportMirror } from './export-mirror.ts';

const random = seededRandom(1);
const healthy = { state: 'healthy', reason: '' } as const;

async function freshLog(): Promise<ExportLog> {
  const ignore = (): undefined => undefined;
  const store: ExportStateStore & StateStore = {
    loadExport: () => Promise.resolve(undefined),
    loadState: () => Promise.resolve(new Map()),
    ...{ startEpoch: ignore, putExported: ignore, putTombstone: ignore, trimTombstones: ignore },
    ...{ putState: ignore, deleteState: ignore },
  };
  const log = new ExportLog('west', store);
  await log.load(new Map(), random);
  return log;
}

async function place(follows = () => true) {
  const [leader, follower] = [await freshLog(), await freshLog()];
  const mirror = new ExportMirror(follower, follows);
  const at = (): Position => ({ epoch: leader.epoch, revision: leader.revision });
  /** What the leader's stream brings: what is missing, or a snapshot where that cannot be told. */
  const stream = (cutAfter = Number.POSITIVE_INFINITY): void => {
    const { position } = mirror;
    const missing = position === undefined ? undefined : leader.since(position, 1_000);
    if (missing === undefined) {
      mirror.snapshotBegin(at());
      mirror.upsert([...leader.records()].slice(0, cutAfter), 0);
      if (leader.size <= cutAfter) mirror.snapshotEnd(at(), healthy);
      return;
    }
    for (const entry of missing.slice(0, cutAfter)) {
      if (entry.type === 'removal') mirror.remove([entry], 0);
      else mirror.upsert([entry], 0);
      mirror.advance({ epoch: leader.epoch, revision: entry.revision });
    }
    if (missing.length <= cutAfter) mirror.advance(at());
  };
  return { leader, follower, mirror, stream };
}

const textsOf = (log: ExportLog): ReadonlyMap<string, string> =>
  new Map([...log.records()].map(({ key, payload }) => [key, Buffer.from(payload).toString()]));

function read(reader: Map<string, string>, entries: readonly LogEntry[]): void {
  for (const entry of entries) {
    if (entry.type === 'removal') reader.delete(entry.key);
    else reader.set(entry.key, Buffer.from(entry.payload).toString());
  }
}

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('write' as const), key: fc.nat(8), content: fc.nat(3) }),
    fc.record({ type: fc.constant('remove' as const), key: fc.nat(8) }),
    fc.record({ type: fc.constant('stream' as const), cutAfter: fc.option(fc.nat(4)) }),
  ),
  { maxLength: 60 },
);

describe('a follower’s export log', () => {
  it('ends as the leader’s, and serves a peer that comes from there', async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(60), async (list, moveAt) => {
        const { leader, follower, stream } = await place();
        const reader = new Map<string, string>();
        let position: Position = { epoch: leader.epoch, revision: 0 };
        for (const [index, step] of list.entries()) {
          if (step.type === 'stream') stream(step.cutAfter ?? undefined);
          else if (step.type === 'remove') leader.remove(`k${step.key}`, 'tombstone', 1);
          else leader.upsert('instance', `k${step.key}`, Buffer.from(`${step.content}`), 1);
          if (index === moveAt) {
            read(reader, leader.since(position, 1_000) ?? []);
            position = { epoch: leader.epoch, revision: leader.revision };
          }
        }
        stream();
        expect({ epoch: follower.epoch, revision: follower.revision }).toEqual({
          epoch: leader.epoch,
          revision: leader.revision,
        });
        expect(textsOf(follower)).toEqual(textsOf(leader));
        expect(follower.digests()).toEqual(leader.digests());
        expect(follower.ready).toBe(true);
        // The peer goes on at the follower; where that cannot tell what is missing, it says so.
        const missing = follower.since(position, 1_000);
        if (missing === undefined) return;
        read(reader, missing);
        expect(reader).toEqual(textsOf(leader));
        moved += 1;
      }),
    );
    expect(moved).toBeGreaterThan(10);
  });

  it('asks for a snapshot again when one was cut, and keeps what it has', async () => {
    const { leader, follower, mirror, stream } = await place();
    for (let key = 0; key < 5; key += 1) leader.upsert('instance', `k${key}`, Buffer.from('x'), 1);
    stream(2);
    expect(mirror.position).toBeUndefined();
    expect(follower.ready).toBe(false);
    stream();
    expect(follower.size).toBe(5);
    expect(mirror.position).toEqual({ epoch: leader.epoch, revision: leader.revision });
  });

  it('stays as it is while the leader is silent, and says that nothing may be concluded', async () => {
    const { leader, follower, mirror, stream } = await place();
    leader.upsert('instance', 'k', Buffer.from('x'), 1);
    stream();
    expect(follower.health).toEqual(healthy);
    mirror.link('silent', 'no word for 10 s');
    expect(follower.health).toEqual({
      state: 'unknown',
      reason: 'the leader is not heard: no word for 10 s',
    });
    expect(follower.size).toBe(1);
  });

  it('takes nothing from another one while this replica leads', async () => {
    let follows = true;
    const { leader, follower, mirror, stream } = await place(() => follows);
    leader.upsert('instance', 'k', Buffer.from('x'), 1);
    stream();
    follows = false;
    const before = { epoch: follower.epoch, revision: follower.revision };
    mirror.snapshotBegin({ epoch: 'another', revision: 9 });
    mirror.upsert([{ ...leader.record('k')!, key: 'other', revision: 9 }], 0);
    mirror.remove(
      [{ kind: 'instance', key: 'k', revision: 10, proof: 'tombstone', originTimeMs: 1 }],
      0,
    );
    mirror.advance({ epoch: 'another', revision: 10 });
    mirror.snapshotEnd({ epoch: 'another', revision: 10 }, healthy);
    mirror.link('left', 'it stops');
    expect({ epoch: follower.epoch, revision: follower.revision }).toEqual(before);
    expect([...textsOf(follower).keys()]).toEqual(['k']);
    expect(follower.health).toEqual(healthy);
  });
});
