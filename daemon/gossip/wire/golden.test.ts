// The golden bytes of the Go code (serf-wire.md), memberlist's half: read, written again, equal.
// The other half, serf's, is passed where serf's messages are.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCompound, encodeCompounds } from './compound.ts';
import { compressMessage, decompressMessage } from './compress.ts';
import { decryptPayload, encryptPayload } from './encrypt.ts';
import {
  ackResp,
  alive,
  compressed,
  dead,
  errResp,
  indirectPing,
  messageType,
  nackResp,
  ping,
  pushNodeState,
  pushPullHeader,
  suspect,
  userMsgHeader,
} from './messages.ts';
import type { Message } from './table.ts';

const fixture = new URL('../../../test/fixtures/serf-vectors.json', import.meta.url);
const vectors = (
  JSON.parse(readFileSync(fixture, 'utf8')) as { memberlist: Record<string, string> }
).memberlist;

/** The vectors that one of these tests has used. */
const used = new Set<string>();

function golden(name: string): Buffer {
  const hex = vectors[name];
  if (hex === undefined) throw new Error(`there is no vector "${name}"`);
  used.add(name);
  return Buffer.from(hex, 'hex');
}

const text = (value: string): Uint8Array => Buffer.from(value);
const vsn = Uint8Array.of(1, 5, 2, 2, 5, 5);
const loopback = Uint8Array.of(127, 0, 0, 1);
const aliveFields = { incarnation: 1, node: 'node-a', port: 30190, vsn };
const accusation = { incarnation: 3, node: 'node-b', from: 'node-a' };

describe('golden vectors of memberlist', () => {
  it.each<[string, Message<any>, unknown]>([
    ['ping', ping, { seqNo: 42, node: 'node-b' }],
    [
      'indirectPing',
      indirectPing,
      { seqNo: 300, target: Uint8Array.of(10, 0, 0, 7), port: 7946, node: 'node-c', nack: true },
    ],
    ['ackPayload', ackResp, { seqNo: 70_000, payload: Uint8Array.of(1, 2, 3) }],
    ['ackNilPayload', ackResp, { seqNo: 42, payload: undefined }],
    ['nack', nackResp, { seqNo: 300 }],
    ['err', errResp, { error: 'boom' }],
    ['suspect', suspect, accusation],
    ['dead', dead, accusation],
    [
      'alive',
      alive,
      { ...aliveFields, addr: loopback, meta: Buffer.from('ff81a4726f6c65a3616263', 'hex') },
    ],
    ['aliveNilMeta', alive, { ...aliveFields, addr: loopback, meta: undefined }],
    [
      'aliveV6',
      alive,
      { ...aliveFields, addr: Buffer.from('0'.repeat(31) + '1', 'hex'), meta: undefined },
    ],
    ['ppHeader', pushPullHeader, { nodes: 2, userStateLen: 700, join: true }],
    ['userMsgHeader', userMsgHeader, { userMsgLen: 11 }],
  ])('%s: written and read', (name, table, value) => {
    const bytes = golden(name);
    expect(hex(table.encode(value))).toBe(hex(bytes));
    expect(bytes[0]).toBe(table.type);
    const decoded: unknown = table.decode(bytes.subarray(1));
    expect(plain(decoded)).toEqual(plain(value));
    expect(hex(table.encode(decoded))).toBe(hex(bytes));
  });

  it('a node of a push/pull, which has no type byte of its own', () => {
    const bytes = golden('ppNode(type byte 6 prefixed for dump only)').subarray(1);
    const value = {
      name: 'node-a',
      addr: loopback,
      port: 30190,
      meta: text('m'),
      incarnation: 1,
      state: 0,
      vsn,
    };
    expect(hex(pushNodeState.encodeBody(value))).toBe(hex(bytes));
    expect(plain(pushNodeState.decode(bytes))).toEqual(plain(value));
  });

  it('a compound of a ping and a suspicion', () => {
    const bytes = golden('compound(ping,suspect)');
    const parts = [golden('ping'), golden('suspect')];
    expect(encodeCompounds(parts).map(hex)).toEqual([hex(bytes)]);
    const opened = decodeCompound(bytes.subarray(1));
    expect(opened.parts.map(hex)).toEqual(parts.map(hex));
    expect(opened.truncated).toBe(0);
  });

  it.each([
    ["compress('a')", text('a')],
    ["compress('hello syncer '*20)", text('hello syncer '.repeat(20))],
    // 9,000 bytes of a generator, enough to fill the table and clear it: known by its own vector.
    ['compress(lcg9000)', undefined],
  ])('%s: the same codes as Go', (name, plainBytes) => {
    const bytes = golden(name);
    expect(bytes[0]).toBe(messageType.compress);
    const opened = decompressMessage(compressed.decode(bytes.subarray(1)), 10_000);
    if (plainBytes === undefined) expect(opened).toHaveLength(9000);
    else expect(hex(opened)).toBe(hex(plainBytes));
    expect(hex(compressMessage(opened))).toBe(hex(bytes));
  });

  it.each([
    ["encrypt v0 'secret message' key 0123456789abcdef", 0],
    ['encrypt v1', 1],
  ] as const)('%s: opened, and sealed again with its nonce', (name, version) => {
    const bytes = golden(name);
    const key = text('0123456789abcdef');
    const nothing = new Uint8Array(0);
    const opened = decryptPayload([text('fedcba9876543210'), key], bytes, nothing);
    expect(Buffer.from(opened).toString()).toBe('secret message');
    const nonce = bytes.subarray(1, 13);
    expect(hex(encryptPayload(version, key, opened, nothing, nonce))).toBe(hex(bytes));
  });

  it('uses every vector of memberlist', () => {
    expect([...used].sort()).toEqual(Object.keys(vectors).sort());
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Buffers as plain arrays, so that a view compares equal to what it shows. */
function plain(value: unknown): unknown {
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, field instanceof Uint8Array ? hex(field) : field]),
  );
}
