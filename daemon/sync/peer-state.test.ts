import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExportHealth, ExportRecord, Position } from '../model/records.ts';
import { hash52 } from '../support/hash.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { DigestTable } from '../model/digest.ts';
import { PeerState } from './peer-state.ts';

const healthy: ExportHealth = { state: 'healthy', reason: '' };
const unknown: ExportHealth = { state: 'unknown', reason: 'the registry does not answer' };
const at = (revision: number, epoch = 'e1'): Position => ({ epoch, revision });

function record(index: number, content = 'x', revision = 1): ExportRecord {
  const payload = Buffer.from(content);
  const key = `i/s/${index}`;
  return { kind: 'instance', key, revision, hash: hash52(payload), originTimeMs: 1, payload };
}

function setUp() {
  const clock = new VirtualClock();
  const peer = new PeerState('b', undefined, clock, {
    serviceChanged: () => undefined,
    peerChanged: () => undefined,
  });
  const names = (): string[] => [...(peer.service('s')?.instances.keys() ?? [])].sort();
  const snapshot = (position: Position, records: readonly ExportRecord[], health = healthy) => {
    peer.snapshotBegin(position);
    peer.upsert(records, clock.nowMs());
    peer.snapshotEnd(position, health);
  };
  const beat = (position: Position, health: ExportHealth) => {
    const figures = { clockOffsetMs: 0, roundTripMs: 1, provenEqual: false };
    peer.heartbeat({ position, health, ...figures, receivedAtMs: clock.nowMs() });
  };
  return { clock, peer, names, snapshot, beat };
}

describe('PeerState', () => {
  it('takes what a healthy snapshot leaves out for absent', () => {
    const { peer, names, snapshot } = setUp();
    snapshot(at(2), [record(1), record(2)]);
    snapshot(at(5, 'e2'), [record(2)]);
    expect(names()).toEqual(['2']);
    expect(peer.removal('i/s/1')).toMatchObject({ proof: 'absence', revision: 5 });
  });

  it('keeps what the snapshot of an unhealthy origin leaves out, until the origin vouches', () => {
    const { peer, names, snapshot, beat } = setUp();
    snapshot(at(2), [record(1), record(2)]);
    snapshot(at(5), [record(2)], unknown);
    expect(names()).toEqual(['1', '2']);
    expect(peer.service('s')?.instances.get('1')?.unproven).toBe(true);
    beat(at(5), unknown);
    expect(names()).toEqual(['1', '2']);
    // A log that is ahead of what we applied may name it again.
    beat(at(6), healthy);
    expect(names()).toEqual(['1', '2']);
    beat(at(5), healthy);
    expect(names()).toEqual(['2']);
  });

  it('forgets its doubt when the origin names the instance again', () => {
    const { peer, names, snapshot, beat } = setUp();
    snapshot(at(2), [record(1), record(2)]);
    snapshot(at(5), [record(2)], unknown);
    peer.upsert([record(1)], 1);
    peer.advance(at(6));
    beat(at(6), healthy);
    expect(names()).toEqual(['1', '2']);
  });

  it('proves nothing while a snapshot is on its way, and asks for another after a break', () => {
    const { peer, snapshot, beat } = setUp();
    snapshot(at(2), [record(1)]);
    beat(at(2), healthy);
    expect(peer.provesAbsence).toBe(true);
    peer.snapshotBegin(at(9));
    expect(peer.provesAbsence).toBe(false);
    expect(peer.position).toBeUndefined();
  });

  it('is current once it has what the first heartbeat of the stream counts', () => {
    const { peer, snapshot, beat } = setUp();
    snapshot(at(2), [record(1)]);
    expect(peer.isCurrent).toBe(false);
    // A daemon that has just started has nothing but what it knew.
    beat(at(2), unknown);
    expect(peer.isCurrent).toBe(false);
    beat(at(3), healthy);
    expect(peer.isCurrent).toBe(false);
    // More happens while it catches up: what counts is what had happened when it was heard again.
    beat(at(4), healthy);
    peer.advance(at(3));
    expect(peer.isCurrent).toBe(true);
    peer.link('silent', '');
    expect(peer.isCurrent).toBe(false);
    peer.link('connected', '');
    peer.advance(at(9));
    expect(peer.isCurrent).toBe(false);
    beat(at(9), healthy);
    expect(peer.isCurrent).toBe(true);
  });

  it('has the digests of what it claims to hold, whatever happened before', () => {
    const step = fc.record({
      kind: fc.constantFrom('upsert', 'tombstone', 'absence', 'snapshot'),
      keys: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
      content: fc.constantFrom('x', 'y'),
      healthy: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { peer, snapshot } = setUp();
        for (const [index, { kind, keys, content, healthy: isHealthy }] of steps.entries()) {
          const records = keys.map((key) => record(key, content, index + 1));
          const removals = (proof: 'tombstone' | 'absence') =>
            records.map(({ kind: of, key, revision }) => {
              return { kind: of, key, revision, proof, originTimeMs: 1 };
            });
          if (kind === 'upsert') peer.upsert(records, 1);
          else if (kind === 'snapshot') {
            snapshot(at(index + 1), records, isHealthy ? healthy : unknown);
          } else peer.remove(removals(kind), 1);
        }
        const table = new DigestTable();
        let live = 0;
        for (const instance of peer.service('s')?.instances.values() ?? []) {
          live++;
          if (!instance.unproven) table.toggle(`i/s/${instance.instanceId}`, instance.hash);
        }
        expect(peer.digests()).toEqual(table.values());
        expect(peer.instanceCount).toBe(live);
      }),
    );
  });

  it('refuses what does not fit, and says so', () => {
    const { peer } = setUp();
    const service = { ...record(1), kind: 'service' as const, key: 's/s' };
    peer.upsert([{ ...record(1), key: 'nonsense' }, { ...record(1), key: 's/s' }, service], 1);
    expect([...peer.refused.keys()].sort()).toEqual(['nonsense', 's/s']);
    expect(peer.serviceCount).toBe(0);
  });

  it('measures silence by a clock that does not jump, from where an earlier process left it', () => {
    const clock = new VirtualClock();
    const observer = { serviceChanged: () => undefined, peerChanged: () => undefined };
    const peer = new PeerState('b', clock.nowMs() - 30_000, clock, observer);
    clock.advance(1000);
    clock.jumpWallClock(3_600_000);
    expect(peer.silentForMs).toBe(31_000);
    peer.link('connected', '');
    clock.advance(500);
    expect(peer.silentForMs).toBe(500);
  });
});
