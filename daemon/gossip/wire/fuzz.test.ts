// Every decoder with arbitrary bytes and with valid bytes that were damaged. A decoder may only
// give a value or throw a `WireError`. TEST_FUZZ_RUNS sets the number of inputs.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCompound } from './compound.ts';
import { addChecksum } from './checksum.ts';
import { compressMessage } from './compress.ts';
import { openDatagram, sealDatagram, type Envelope } from './datagram.ts';
import { decryptPayload, encryptPayload } from './encrypt.ts';
import { compressLzw, decompressLzw } from './lzw.ts';
import * as messages from './messages.ts';
import { openStreamMessage, sealStreamMessage, StreamReader } from './stream.ts';
import { MsgpackReader } from './msgpack.ts';
import { WireError } from './wire-error.ts';

const runs = Number(process.env.TEST_FUZZ_RUNS ?? 2000);
const share = { numRuns: Math.ceil(runs / 8) };
/** A share takes seconds for each 100,000 inputs, and far longer where other work holds the cores. */
const options = { timeout: 30_000 + 8 * share.numRuns };
const key = Buffer.from('0123456789abcdef');
const open: Envelope = {
  keys: [],
  encryptOutgoing: true,
  verifyIncoming: true,
  label: new Uint8Array(0),
  compression: true,
};
const closed: Envelope = { ...open, keys: [key] };

const tables = [
  messages.ping,
  messages.indirectPing,
  messages.ackResp,
  messages.nackResp,
  messages.errResp,
  messages.suspect,
  messages.alive,
  messages.dead,
  messages.pushPullHeader,
  messages.pushNodeState,
  messages.userMsgHeader,
  messages.compressed,
];

/** Runs a decoder; any error but a `WireError` fails the test. */
function survive<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

const name = fc.string({ maxLength: 20 });
const u32 = fc.nat(2 ** 32 - 1);
const aliveMessage = fc
  .record({
    incarnation: u32,
    node: name,
    addr: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ maxLength: 16 })),
    port: fc.nat(65_535),
    meta: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }),
    vsn: fc.uint8Array({ maxLength: 8 }),
  })
  .map((value) => messages.alive.encode(value));
const suspectMessage = fc
  .record({ incarnation: u32, node: name, from: name })
  .map((value) => messages.suspect.encode(value));
const pingMessage = fc
  .record({ seqNo: u32, node: name })
  .map((value) => messages.ping.encode(value));
const leaf = fc.oneof(aliveMessage, suspectMessage, pingMessage);

/** Messages wrapped in each other, as deep as fast-check likes. */
const nested = fc.letrec<{ message: Uint8Array }>((tie) => ({
  message: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('message').map((inner) => addChecksum(inner)),
    tie('message').map((inner) => compressMessage(inner)),
    fc.array(tie('message'), { maxLength: 5 }).map((parts) => {
      const header = Buffer.alloc(2 + 2 * parts.length);
      header[0] = messages.messageType.compound;
      header[1] = parts.length;
      parts.forEach((part, index) => header.writeUInt16BE(part.length & 0xffff, 2 + 2 * index));
      return Buffer.concat([header, ...parts]);
    }),
  ),
})).message;

/** Valid bytes with a few of them changed, cut off or repeated. */
function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  return fc
    .tuple(valid, fc.array(change, { maxLength: 4 }), fc.option(fc.nat()), fc.boolean())
    .map(([bytes, changes, cut, twice]) => {
      const copy = Buffer.from(twice ? Buffer.concat([bytes, bytes]) : bytes);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return cut === null ? copy : copy.subarray(0, cut % (copy.length + 1));
    });
}

const arbitrary = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged(nested));

describe(`decoders (${runs} inputs)`, options, () => {
  it('tables', () => {
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...tables), (bytes, table) => {
        survive(() => table.decode(bytes));
        survive(() => table.decode(bytes.subarray(1)));
      }),
      share,
    );
  });

  it('skipping unknown values consumes within the input', () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const reader = new MsgpackReader(bytes);
        survive(() => {
          while (reader.offset < bytes.length) reader.skip();
          expect(reader.offset).toBe(bytes.length);
        });
      }),
      share,
    );
  });

  it('datagrams, plain', () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const opened = survive(() => openDatagram(bytes, open, 65_536));
        if (opened !== undefined) expect(opened.messages.length).toBeLessThanOrEqual(512);
      }),
      share,
    );
  });

  it('datagrams, encrypted', () => {
    const sealed = fc.oneof(
      nested.map((bytes) => sealDatagram(bytes, closed, true)),
      arbitrary.map((bytes) => encryptPayload(1, key, bytes, new Uint8Array(0))),
      arbitrary.map((bytes) => encryptPayload(0, key, bytes, new Uint8Array(0))),
    );
    fc.assert(
      fc.property(damaged(sealed), (bytes) => {
        survive(() => openDatagram(bytes, closed, 65_536));
        survive(() => decryptPayload([key], bytes, new Uint8Array(0)));
      }),
      share,
    );
  });

  it('undamaged datagrams come through both envelopes, in order', () => {
    fc.assert(
      fc.property(leaf, fc.boolean(), fc.constantFrom(open, closed), (bytes, crc, envelope) => {
        const opened = openDatagram(sealDatagram(bytes, envelope, crc), envelope, 65_536);
        expect(opened.messages.map((message) => Buffer.from(message))).toEqual([
          Buffer.from(bytes),
        ]);
      }),
      share,
    );
  });

  it('compounds never give more than they have', () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const opened = survive(() => decodeCompound(bytes));
        const total = opened?.parts.reduce((sum, part) => sum + part.length, 0) ?? 0;
        expect(total).toBeLessThanOrEqual(bytes.length);
      }),
      share,
    );
  });

  it('LZW: what we write is read; anything else stays within its cap', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 3000 }),
          fc.array(fc.constantFrom(0, 1), { maxLength: 6000 }).map((bits) => Uint8Array.from(bits)),
        ),
        (bytes) => {
          expect(Buffer.compare(decompressLzw(compressLzw(bytes), bytes.length), bytes)).toBe(0);
        },
      ),
      { numRuns: Math.ceil(share.numRuns / 2) },
    );
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const opened = survive(() => decompressLzw(bytes, 1000));
        if (opened !== undefined) expect(opened.length).toBeLessThanOrEqual(1000);
      }),
      { numRuns: Math.ceil(share.numRuns / 2) },
    );
  });

  it('streams, in pieces of any size', async () => {
    const stream = fc.oneof(
      arbitrary,
      nested.map((bytes) => sealStreamMessage(bytes, open)),
      damaged(nested.map((bytes) => sealStreamMessage(bytes, closed))),
    );
    await fc.assert(
      fc.asyncProperty(
        stream,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(open, closed),
        async (bytes, piece, envelope) => {
          let offset = 0;
          const source = {
            read: async () => {
              if (offset >= bytes.length) return undefined;
              offset += piece;
              return bytes.subarray(offset - piece, offset);
            },
          };
          try {
            const reader = new StreamReader(source, 4096);
            const { type, body } = await openStreamMessage(reader, envelope, 4096);
            if (type === messages.messageType.alive) await body.value(messages.alive);
            else if (type === messages.messageType.pushPull) {
              await body.value(messages.pushPullHeader);
              for (;;) await body.value(messages.pushNodeState);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        },
      ),
      share,
    );
  });
});

describe('decompression bombs', () => {
  it('stop at the cap of a datagram, however they are nested', () => {
    const bomb = compressMessage(new Uint8Array(10_000_000));
    expect(bomb.length).toBeLessThan(30_000);
    expect(() => openDatagram(bomb, open, 65_536)).toThrow(/more than 65536/);
    const half = compressMessage(Buffer.alloc(40_000, 4));
    const header = Buffer.from([messages.messageType.compound, 2, 0, 0, 0, 0]);
    header.writeUInt16BE(half.length, 2);
    header.writeUInt16BE(half.length, 4);
    const opened = openDatagram(Buffer.concat([header, half, half]), open, 65_536);
    expect(opened).toMatchObject({ broken: 1 });
    expect(opened.messages).toHaveLength(1);
  });

  it('and messages that nest too deep are refused', () => {
    let message: Uint8Array = messages.ping.encode({ seqNo: 1, node: '' });
    for (let depth = 0; depth < 50; depth += 1) message = addChecksum(message);
    expect(() => openDatagram(message, open, 65_536)).toThrow(/deeper/);
  });
});
