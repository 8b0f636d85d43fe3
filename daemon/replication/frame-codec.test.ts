import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExporterFrame as ExporterMessage } from '../../proto/gen/syncer/replication/v1/replication.ts';
import type { ExportRecord, RemovalRecord } from '../model/records.ts';
import {
  decodeExporterFrame,
  decodeImporterFrame,
  encodeExporterFrame,
  encodeImporterFrame,
} from './frame-codec.ts';
import type { ExporterFrame, ImporterFrame } from './frames.ts';
import { FrameError, recordBytes, removalBytes } from './record-frames.ts';

const runs = Number(process.env.TEST_FUZZ_RUNS ?? 2_000);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const position1 = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const hash = fc.nat({ max: 2 ** 52 - 1 });
const time = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0));
const name = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
const kind = fc.constantFrom('service' as const, 'instance' as const);
const head = fc
  .record({
    kind,
    tail: fc.string({ unit: 'grapheme', maxLength: 200 }),
    revision: position1,
    originTimeMs: time,
  })
  .map(({ tail, ...rest }) => ({ ...rest, key: `${rest.kind === 'service' ? 's' : 'i'}/${tail}` }));
const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });
const record: fc.Arbitrary<ExportRecord> = fc
  .tuple(head, hash, bytes)
  .map(([rest, value, payload]) => ({ ...rest, hash: value, payload }));
const removal: fc.Arbitrary<RemovalRecord> = fc
  .tuple(head, fc.constantFrom('tombstone' as const, 'absence' as const))
  .map(([rest, proof]) => ({ ...rest, proof }));
const position = fc.record({ epoch: name, revision: count });
const health = fc.record({
  state: fc.constantFrom('healthy' as const, 'unknown' as const),
  reason: fc.string(),
});
const digests = fc.array(hash, { minLength: 256, maxLength: 256 });
const version = fc.nat({ max: 2 ** 32 - 1 });
const type = <T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);

const recordFrame = fc.oneof(
  fc.record({
    sequence: count,
    type: type('records'),
    records: fc.array(record),
    removals: fc.array(removal),
    revision: count,
  }),
  fc.record({
    sequence: count,
    type: type('bucket-content'),
    bucket: fc.nat({ max: 255 }),
    records: fc.array(record),
    last: fc.boolean(),
    revision: count,
  }),
);
const exporterFrame: fc.Arbitrary<ExporterFrame> = fc.oneof(
  recordFrame,
  fc.record({
    sequence: count,
    type: type('hello'),
    cluster: name,
    node: name,
    registry: fc.string(),
    version,
    versionMin: version,
    versionMax: version,
    position,
  }),
  fc.record({ sequence: count, type: type('snapshot-begin'), position, records: count }),
  fc.record({ sequence: count, type: type('snapshot-end'), position, digests, health }),
  fc.record({
    sequence: type('').map(() => 0),
    type: type('heartbeat'),
    position,
    senderTimeMs: time,
    health,
    digests: fc.option(digests, { nil: undefined }),
    roundTripMs: fc.option(time, { nil: undefined }),
    clockOffsetMs: fc.option(time, { nil: undefined }),
  }),
  fc.record({ sequence: count, type: type('goodbye'), leaving: fc.boolean(), reason: fc.string() }),
);
const importerFrame: fc.Arbitrary<ImporterFrame> = fc.oneof(
  fc
    .record({
      type: type('hello'),
      cluster: name,
      node: name,
      registry: fc.string(),
      versionMin: version,
      versionMax: version,
      position: fc.option(position, { nil: undefined }),
      windowBytes: count,
      wantedCluster: name,
    })
    .map((hello) => hello),
  fc.record({ type: type('acknowledge'), sequence: count }),
  fc.record({
    type: type('bucket-request'),
    buckets: fc.array(fc.nat({ max: 255 }), { maxLength: 256 }),
  }),
  fc.record({ type: type('snapshot-request'), reason: fc.string() }),
  fc.record({
    type: type('echo'),
    senderTimeMs: time,
    receiverTimeMs: time,
    provenEqual: fc.boolean(),
  }),
);

describe('exporter frames', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(exporterFrame, (frame) => {
        expect(decodeExporterFrame(encodeExporterFrame(frame))).toEqual(frame);
      }),
    );
  });

  it('with records have the bytes of the generated codec', () => {
    fc.assert(
      fc.property(recordFrame, (frame) => {
        const records = frame.records.map((entry) => ({
          ...entry,
          kind: entry.kind === 'service' ? (1 as const) : (2 as const),
          payload: Buffer.from(entry.payload),
        }));
        const { sequence, revision } = frame;
        const message: ExporterMessage =
          frame.type === 'records'
            ? {
                sequence,
                frame: {
                  $case: 'records',
                  records: {
                    records,
                    revision,
                    removals: frame.removals.map((entry) => ({
                      ...entry,
                      kind: entry.kind === 'service' ? (1 as const) : (2 as const),
                      proof: entry.proof === 'tombstone' ? (1 as const) : (2 as const),
                    })),
                  },
                },
              }
            : {
                sequence,
                frame: {
                  $case: 'bucketContent',
                  bucketContent: { bucket: frame.bucket, records, last: frame.last, revision },
                },
              };
        const generated = Buffer.from(ExporterMessage.encode(message).finish());
        expect(encodeExporterFrame(frame).equals(generated)).toBe(true);
      }),
    );
  });

  it('have the size that is reckoned with', () => {
    fc.assert(
      fc.property(fc.array(record), fc.array(removal), (records, removals) => {
        const frame = { type: 'records', sequence: 0, records, removals, revision: 0 } as const;
        let size = 0;
        for (const entry of records) size += recordBytes(entry);
        for (const entry of removals) size += removalBytes(entry);
        const total = encodeExporterFrame(frame).length;
        expect(total).toBeGreaterThanOrEqual(size);
        expect(total).toBeLessThanOrEqual(size + 8);
      }),
    );
  });

  it('take fields that a later version has added', () => {
    fc.assert(
      fc.property(recordFrame, (frame) => {
        const later = Buffer.concat([encodeExporterFrame(frame), Buffer.from([0xf8, 0x01, 0x07])]);
        expect(decodeExporterFrame(later)).toEqual(frame);
      }),
    );
  });
});

describe('importer frames', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(importerFrame, (frame) => {
        expect(decodeImporterFrame(encodeImporterFrame(frame))).toEqual(frame);
      }),
    );
  });
});

describe('hostile bytes', () => {
  const decoders = [
    { side: 'exporter', decode: decodeExporterFrame as (bytes: Uint8Array) => unknown },
    { side: 'importer', decode: decodeImporterFrame as (bytes: Uint8Array) => unknown },
  ];

  it.each(decoders)('at random make a FrameError or a frame ($side)', ({ decode }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (garbage) => {
        judge(decode, garbage);
      }),
      { numRuns: runs },
    );
  });

  it.each(decoders)('made from frames make a FrameError or a frame ($side)', ({ side, decode }) => {
    const encoded: fc.Arbitrary<Buffer> =
      side === 'exporter'
        ? exporterFrame.map(encodeExporterFrame)
        : importerFrame.map(encodeImporterFrame);
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(encoded, damage, fc.nat(), (frame, changes, cut) => {
        const damaged = Buffer.from(frame.subarray(0, frame.length - (cut % 3)));
        for (const [at, value] of changes) {
          if (damaged.length > 0) damaged[at % damaged.length] = value;
        }
        judge(decode, damaged);
      }),
      { numRuns: runs },
    );
  });

  it.each([
    { what: 'a record of no kind', change: { kind: 0 as const }, says: /of kind 0/ },
    {
      what: 'a key of the other kind',
      change: { key: 's/1' },
      says: /instance record with the key 's\/1'/,
    },
    { what: 'no payload', change: { payload: Buffer.alloc(0) }, says: /without a payload/ },
    { what: 'no revision', change: { revision: 0 }, says: /without a revision/ },
    { what: 'a hash of 53 bits', change: { hash: 2 ** 52 }, says: /more than 52 bits/ },
    { what: 'a time that is none', change: { originTimeMs: Number.NaN }, says: /origin time NaN/ },
    {
      what: 'an endless key',
      change: { key: `i/${'x'.repeat(2_000)}` },
      says: /key of 2002 characters/,
    },
  ])('are named: $what', ({ change, says }) => {
    const entry = {
      kind: 2 as const,
      key: 'i/1',
      revision: 1,
      hash: 1,
      originTimeMs: 1,
      payload: Buffer.from('x'),
      ...change,
    };
    const message = {
      sequence: 1,
      frame: {
        $case: 'records' as const,
        records: { records: [entry], removals: [], revision: 1 },
      },
    };
    const encoded = ExporterMessage.encode(message).finish();
    expect(() => decodeExporterFrame(encoded)).toThrow(FrameError);
    expect(() => decodeExporterFrame(encoded)).toThrow(says);
  });

  it('never make a tombstone of a removal without a proof', () => {
    const entry = { kind: 2 as const, key: 'i/1', revision: 1, proof: 0 as const, originTimeMs: 1 };
    const message = {
      sequence: 1,
      frame: {
        $case: 'records' as const,
        records: { records: [], removals: [entry], revision: 1 },
      },
    };
    const encoded = ExporterMessage.encode(message).finish();
    expect(() => decodeExporterFrame(encoded)).toThrow(/removal of 'i\/1' with proof 0/);
  });
});

function judge(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    expect(decode(bytes)).toHaveProperty('type');
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
  }
}
