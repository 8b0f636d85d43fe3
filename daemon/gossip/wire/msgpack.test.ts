import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import {
  bool,
  bytes,
  decodeValue,
  encodeValue,
  f64,
  i64,
  list,
  mapOf,
  message,
  nullable,
  omitEmpty,
  table,
  text,
  u16,
  u64,
  u64Saturated,
} from './table.ts';
import { decodeText, encodeText } from './text.ts';
import { IncompleteError, WireError } from './wire-error.ts';

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const unhex = (value: string): Uint8Array => Buffer.from(value, 'hex');

describe('the old-spec dialect', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [256, 'cd0100'],
    [65_536, 'ce00010000'],
    [2 ** 32, 'cf0000000100000000'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-129, 'd1ff7f'],
    [-32_769, 'd2ffff7fff'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
  ])('writes %d in its smallest form', (value, bytesHex) => {
    expect(hex(encodeValue(i64, value))).toBe(bytesHex);
    expect(decodeValue(i64, unhex(bytesHex)).value).toBe(value);
  });

  it('knows one raw type: fixraw, raw16, raw32, never str8 or bin', () => {
    expect(hex(encodeValue(bytes, new Uint8Array(31))).slice(0, 2)).toBe('bf');
    expect(hex(encodeValue(bytes, new Uint8Array(32))).slice(0, 6)).toBe('da0020');
    expect(hex(encodeValue(bytes, new Uint8Array(65_536))).slice(0, 10)).toBe('db00010000');
  });

  it('reads str8 for everything raw, and bin for bytes only', () => {
    expect(decodeValue(text, unhex('d90161')).value).toBe('a');
    for (const bin of ['c40161', 'c5000161', 'c60000000161']) {
      expect(hex(decodeValue(bytes, unhex(bin)).value)).toBe('61');
      expect(() => decodeValue(text, unhex(bin))).toThrow(WireError);
    }
  });

  it('refuses a u64 above 2^53 - 1, or takes it as that', () => {
    const tooLarge = unhex('cfffffffffffffffff');
    expect(() => decodeValue(u64, tooLarge)).toThrow(WireError);
    expect(decodeValue(u64Saturated, tooLarge).value).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('says nil, empty and absent apart', () => {
    const row = table({ a: ['A', nullable(bytes)], b: ['B', bytes], c: ['C', list(text, 9)] });
    expect(hex(row.encodeBody({ a: undefined, b: new Uint8Array(0), c: [] }))).toBe(
      '83a141c0a142a0a14390',
    );
    expect(row.decode(unhex('82a142c0a143c0'))).toEqual(row.zero());
  });

  it('sorts keys bytewise, skips unknown fields and leaves out what is omitted', () => {
    const row = message(7, { zed: ['b', u16], late: ['a', omitEmpty(u16)], on: ['C', bool] });
    expect(hex(row.encode({ zed: 1, on: true }))).toBe('0782a143c3a16201');
    expect(hex(row.encode({ zed: 1, on: true, late: 2 }))).toBe('0783a143c3a16102a16201');
    // An unknown field with a nested value, between two known ones.
    const decoded = row.decode(unhex('83a162cd0100a17892c081a16b91c4020102a143c3'));
    expect(decoded).toEqual({ zed: 256, on: true });
  });

  it('says where a value is cut short, at every length', () => {
    const kind = mapOf(list(f64, 9), 9);
    const whole = encodeValue(kind, new Map([['key', [1, 2.5]]]));
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeValue(kind, whole.subarray(0, length))).toThrow(IncompleteError);
    }
    expect(decodeValue(kind, whole).end).toBe(whole.length);
  });

  it('refuses lengths before it waits for them', () => {
    expect(() => decodeValue(bytes, unhex('dbffffffff'))).not.toThrow(IncompleteError);
    expect(() => decodeValue(list(text, 10), unhex('ddffffffff'))).toThrow(/at most 10/);
    expect(() => new MsgpackReader(new Uint8Array(100).fill(0x91)).skip()).toThrow(/deeper/);
  });

  it('round-trips integers, text and bytes', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.uint8Array().map(decodeText),
        fc.uint8Array(),
        fc.double(),
        (number, string, raw, float) => {
          const writer = new MsgpackWriter(1);
          writer.int(number);
          writer.text(string);
          writer.bytes(raw);
          writer.float64(float);
          const reader = new MsgpackReader(writer.finish());
          expect(reader.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(
            number === 0 ? 0 : number,
          );
          expect(reader.text(1e6)).toBe(string);
          expect(hex(reader.bytes(1e6))).toBe(hex(raw));
          expect(reader.float()).toBe(float);
        },
      ),
    );
  });
});

describe('text', () => {
  it('gives back every byte, valid UTF-8 or not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        expect(hex(encodeText(decodeText(raw)))).toBe(hex(raw));
      }),
    );
  });

  it('is the string that UTF-8 means', () => {
    expect(decodeText(Buffer.from('nœud-é-日本'))).toBe('nœud-é-日本');
    expect(hex(encodeText(decodeText(unhex('61ff62'))))).toBe('61ff62');
  });
});
