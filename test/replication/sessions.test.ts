// The two ends of a stream, over a memory link and a virtual clock: whatever happens on the way, the
// import equals the export in the end, and nothing is removed that was not removed at the origin.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReplicationLimits } from '../../daemon/replication/limits.ts';
import { VirtualClock } from '../../daemon/support/virtual-clock.ts';
import { MemoryExport } from './models/memory-export.ts';
import { MemoryImport } from './models/memory-import.ts';
import { MemoryLink } from './models/memory-link.ts';
import type { MemoryLinkOptions } from './models/memory-link.ts';
import { fill, isEqual, payload } from './models/site.ts';

const seeds = Number(process.env.TEST_SEEDS ?? 150);
/** Small, so that a handful of records makes many frames and a closed window. */
const tight: Partial<ReplicationLimits> = { frameRecords: 3, frameBytes: 600, windowBytes: 1_500 };

type Step =
  | { readonly do: 'put'; readonly key: number; readonly text: string }
  | { readonly do: 'remove'; readonly key: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' | 'trim' | 'epoch' | 'stall' | 'go-on' | 'distrust' | 'trust' }
  | { readonly do: 'drift'; readonly how: 'lose' | 'garble' | 'invent'; readonly key: number };

const key = fc.nat({ max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), key, text: fc.string() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 4_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('cut' as const, 'trim', 'epoch', 'stall', 'go-on', 'distrust', 'trust'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('drift' as const),
      how: fc.constantFrom('lose' as const, 'garble', 'invent'),
      key,
    }),
  },
);

interface World {
  readonly clock: VirtualClock;
  readonly source: MemoryExport;
  readonly sink: MemoryImport;
  readonly link: MemoryLink;
}

function world(records: number, options: Partial<MemoryLinkOptions> = {}): World {
  const clock = new VirtualClock();
  const source = new MemoryExport('exporter');
  fill(source, records);
  const sink = new MemoryImport('exporter');
  const link = new MemoryLink({ clock, source, sink, delayMs: 5, limits: tight, ...options });
  return { clock, source, sink, link };
}

/** What the exporter says that its peer holds. */
function acknowledged(link: MemoryLink): number | undefined {
  return link.exportEdges.statuses[0]?.acknowledgedRevision;
}

describe('a stream between two clusters', () => {
  it('makes the import equal to the export, whatever happens on the way', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 40 }), (steps, delayMs) => {
        const { clock, source, sink, link } = world(20, { delayMs });
        const wereRemoved = new Set<string>();
        let epochs = 1;
        for (const now of steps) {
          const name = 'key' in now ? `i/a/${now.key}` : '';
          switch (now.do) {
            case 'put':
              source.put('instance', name, payload(now.text), clock.nowMs());
              break;
            case 'remove':
              if (source.get(name) !== undefined) wereRemoved.add(name);
              source.remove(name);
              break;
            case 'wait':
              clock.advance(now.ms);
              break;
            case 'cut':
              link.cut();
              break;
            case 'trim':
              source.trim();
              break;
            case 'epoch':
              source.startEpoch(`epoch-${++epochs}`);
              break;
            case 'stall':
              link.stall(true);
              break;
            case 'go-on':
              link.stall(false);
              break;
            case 'distrust':
              source.setHealth({ state: 'unknown', reason: 'for a test' });
              break;
            case 'trust':
              source.setHealth({ state: 'healthy', reason: '' });
              break;
            case 'drift':
              if (now.how === 'invent') wereRemoved.add(`${name}-invented`);
              sink.drift(now.how, name);
              break;
          }
        }
        link.stall(false);
        source.setHealth({ state: 'healthy', reason: '' });
        clock.advance(60_000);
        expect(isEqual(source, sink)).toBe(true);
        expect(sink.beats.some((beat) => beat.provenEqual)).toBe(true);
        expect(sink.state).toBe('connected');
        expect(acknowledged(link)).toBe(source.revision);
        for (const gone of [...sink.absent, ...sink.removed.map((removal) => removal.key)]) {
          expect(wereRemoved).toContain(gone);
        }
        const bad = link.ends.filter(({ code }) => code !== 'lost' && code !== 'silent');
        expect(bad).toEqual([]);
      }),
      { numRuns: seeds },
    );
  });

  it('resumes without a snapshot wherever it was lost after the first one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 12 }), (waits) => {
        const { clock, source, sink, link } = world(10);
        clock.advance(2_000);
        expect(sink.snapshotsEnded).toBe(1);
        waits.forEach((waitMs, index) => {
          for (let many = 0; many < 7; many++) {
            source.put('instance', `i/a/${(index * 3 + many) % 12}`, payload(`${index}-${many}`));
          }
          clock.advance(waitMs);
          link.cut();
          clock.advance(index % 3 === 0 ? 0 : 150);
        });
        clock.advance(5_000);
        expect(isEqual(source, sink)).toBe(true);
        expect(sink.snapshotsBegun).toBe(1);
      }),
    );
  });

  it('never has more on the way than the window and a frame', () => {
    const { clock, source, sink, link } = world(200);
    link.stall(true);
    clock.advance(3_000);
    expect(acknowledged(link)).toBeUndefined();
    for (let index = 0; index < 500; index++) {
      source.put('instance', `i/b/${index}`, payload(`b${index}`));
    }
    clock.advance(1_000);
    // The window, one frame beyond its edge, and the few beats of these seconds.
    expect(link.mostBytesOnTheWay).toBeLessThan(1_500 + 700 + 8 * 100);
    expect(sink.held.size).toBe(0);
    link.stall(false);
    clock.advance(10_000);
    expect(isEqual(source, sink)).toBe(true);
  });

  it('sends the first change at once and the others of a burst together', () => {
    const { clock, source, sink } = world(0, { limits: {} });
    clock.advance(2_000);
    const frames: number[] = [];
    sink.onUpsert = (records) => frames.push(records.length);
    for (let index = 0; index < 100; index++) source.put('instance', `i/c/${index}`, payload('x'));
    clock.advance(5);
    expect(frames).toEqual([1]);
    clock.advance(5);
    expect(frames).toEqual([1, 99]);
  });

  it('asks for another snapshot when one does not add up, and gives up after the third', () => {
    const { clock, sink, link } = world(9, { tamper: garbleRecords(Infinity) });
    clock.advance(3_000);
    expect(sink.snapshotsBegun).toBeGreaterThanOrEqual(3);
    expect(sink.snapshotsEnded).toBe(0);
    expect(link.ends[0]).toMatchObject({ code: 'bad-snapshot' });
    expect(link.ends[0]?.reason).toMatch(/3 snapshots in a row were wrong/);
  });

  it('is well after one wrong snapshot', () => {
    const { clock, source, sink, link } = world(9, { tamper: garbleRecords(1) });
    clock.advance(3_000);
    expect(sink.snapshotsBegun).toBe(2);
    expect(isEqual(source, sink)).toBe(true);
    expect(link.ends).toEqual([]);
  });

  it('repairs what has drifted, and says how much', () => {
    const { clock, source, sink, link } = world(30);
    clock.advance(2_000);
    sink.drift('lose', 'i/a/1');
    sink.drift('garble', 'i/a/2');
    sink.drift('invent', 'i/a/3');
    expect(isEqual(source, sink)).toBe(false);
    clock.advance(12_000);
    expect(isEqual(source, sink)).toBe(true);
    expect(sink.snapshotsBegun).toBe(1);
    expect(link.importEdge.status.repaired).toBe(3);
    expect(sink.removed).toMatchObject([{ key: 'i/a/3-invented', proof: 'absence' }]);
  });

  it('takes nothing away by digests while the origin distrusts its registry', () => {
    const { clock, source, sink } = world(30);
    clock.advance(2_000);
    source.setHealth({ state: 'unknown', reason: 'the cache is cold' });
    sink.drift('invent', 'i/a/3');
    clock.advance(20_000);
    expect(sink.removed).toEqual([]);
    expect(sink.held.has('i/a/3-invented')).toBe(true);
    expect(sink.beats.at(-1)?.health).toEqual({ state: 'unknown', reason: 'the cache is cold' });
  });

  it('waits for an export that is not complete yet', () => {
    const { clock, source, sink } = world(5);
    source.ready = false;
    source.startEpoch('epoch-2');
    clock.advance(3_000);
    expect(sink.snapshotsBegun).toBe(0);
    expect(sink.state).toBe('connected');
    expect(sink.beats.at(-1)?.health.state).toBe('unknown');
    source.ready = true;
    source.notify();
    clock.advance(100);
    expect(isEqual(source, sink)).toBe(true);
  });

  it('resumes from an exporter whose log is read only after its Hello', () => {
    const { clock, source, sink, link } = world(5);
    clock.advance(2_000);
    link.cut();
    const { epoch } = source;
    source.ready = false;
    source.epoch = '';
    clock.advance(3_000);
    expect(sink.state).toBe('connected');
    source.epoch = epoch;
    source.ready = true;
    source.put('instance', 'i/a/later', payload('later'));
    clock.advance(100);
    expect(isEqual(source, sink)).toBe(true);
    expect(sink.snapshotsBegun).toBe(1);
    expect(link.ends.map(({ code }) => code)).toEqual(['lost']);
  });

  it('is silent five seconds after the last sign of life, and connected again after the next', () => {
    const { clock, sink, link } = world(5);
    clock.advance(2_000);
    expect(sink.state).toBe('connected');
    link.stall(true);
    clock.advance(4_000);
    expect(sink.state).toBe('connected');
    clock.advance(2_500);
    expect(sink.links.map(({ state }) => state)).toEqual(['connecting', 'connected', 'silent']);
    link.stall(false);
    clock.advance(12_000);
    expect(sink.state).toBe('connected');
  });

  it('measures the clocks', () => {
    const { clock, source, sink } = world(1, { delayMs: 20 });
    clock.advance(3_000);
    expect(source.size).toBe(1);
    expect(sink.beats.at(-1)).toMatchObject({ roundTripMs: 40, clockOffsetMs: 0 });
  });

  it('speaks the highest common version with a newer peer, and refuses one with none', () => {
    const newer = world(3, { exporterVersions: { min: 1, max: 7 } });
    newer.clock.advance(1_000);
    expect(isEqual(newer.source, newer.sink)).toBe(true);
    const alien = world(3, { exporterVersions: { min: 5, max: 7 } });
    alien.clock.advance(1_000);
    expect(alien.sink.held.size).toBe(0);
    expect(alien.link.ends[0]).toEqual({
      code: 'version',
      reason: 'no common replication version: here 1, there 5 to 7; update this syncer',
    });
  });
});

/** Changes the hash within the first record of the first `times` frames with records. */
function garbleRecords(times: number): (bytes: Buffer) => Buffer {
  let left = times;
  return (bytes) => {
    const at = bytes.indexOf('i/a/0');
    if (at === -1 || left-- <= 0) return bytes;
    // The hash is the fixed64 behind key and revision (field 4, tag 0x21).
    const hash = bytes.indexOf(0x21, at);
    const changed = Buffer.from(bytes);
    changed[hash + 1] = (changed[hash + 1] ?? 0) ^ 1;
    return changed;
  };
}
