// Every serf message byte for byte as the pinned Go versions write it, and read back.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeValue } from '../wire/table.ts';
import { encodeCoordinate, decodeCoordinate, originCoordinate } from './coordinate.ts';
import {
  bufferSlots,
  conflictResponse,
  filterType,
  joinIntent,
  keyRequest,
  keyResponse,
  leaveIntent,
  nodeFilter,
  pushPull,
  query,
  queryResponse,
  relayHeader,
  tagFilter,
  userEvent,
} from './messages.ts';
import { encodeFilters } from './query-filter.ts';
import { decodeTags, encodeTags } from './tags.ts';

const fixture = new URL('../../../test/fixtures/serf-vectors.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(fixture, 'utf8')) as { serf: Record<string, string> })
  .serf;
/** The names of the vectors that a test has looked at. */
const compared = new Set<string>();
const golden = new Proxy(vectors, {
  get(target, name) {
    compared.add(String(name));
    return target[String(name)];
  },
}) as Record<string, any>;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const loopback = Uint8Array.of(127, 0, 0, 1);

interface AnyMessage<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (body: Uint8Array) => T;
}

/** Encodes to the golden bytes, and decodes them to the same value. */
function both<T>(message: AnyMessage<T>, value: T, expected: string): void {
  expect(hex(message.encode(value))).toBe(expected);
  expect(hex(message.encode(message.decode(bytes(expected).subarray(1))))).toBe(expected);
  expect(message.decode(bytes(expected).subarray(1))).toMatchObject(plain(value) as object);
}

/** Buffers and arrays of bytes compare alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const question = {
  lTime: 9,
  id: 123_456_789,
  addr: loopback,
  port: 30_190,
  filters: undefined,
  flags: 1,
  relayFactor: 0,
  timeoutNs: 3_200_000_000,
  name: 'q',
  payload: text('p'),
};

describe('golden bytes of the serf layer', () => {
  it('intents', () => {
    both(joinIntent, { lTime: 7, node: 'node-a' }, golden.join);
    both(leaveIntent, { lTime: 7, node: 'node-a' }, golden.leave);
  });

  it('user events', () => {
    const event = { lTime: 5, name: 'discovered', payload: text('cluster-1'), cc: true };
    both(userEvent, event, golden.userEvent);
    both(userEvent, { ...event, payload: undefined, cc: false }, golden.userEventNilPayload);
  });

  it('queries, filters and responses', () => {
    both(query, question, golden.query);
    const filters = encodeFilters(['n1', 'n2'], { role: 'web.*' });
    expect(filters.map(hex)).toEqual([golden.filterNode, golden.filterTag]);
    both(
      query,
      {
        ...question,
        id: 1,
        filters,
        flags: 0,
        relayFactor: 0,
        timeoutNs: 1_000_000_000,
        payload: undefined,
      },
      golden.queryFilters,
    );
    const answer = { lTime: 9, id: 123_456_789, from: 'node-b', flags: 0, payload: text('r') };
    both(queryResponse, answer, golden.queryResponse);
    both(queryResponse, { ...answer, flags: 1, payload: undefined }, golden.queryAck);
    expect(tagFilter.decode(bytes(golden.filterTag).subarray(1))).toEqual({
      expr: 'web.*',
      tag: 'role',
    });
    expect(
      hex(Buffer.concat([Uint8Array.of(filterType.node), encodeValue(nodeFilter, ['n1', 'n2'])])),
    ).toBe(golden.filterNode);
  });

  it('relays', () => {
    const header = { destAddr: { ip: loopback, port: 30_190, zone: '' } };
    const inner = queryResponse.encode({
      lTime: 9,
      id: 1,
      from: 'node-b',
      flags: 0,
      payload: text('r'),
    });
    expect(hex(Buffer.concat([relayHeader.encode(header), inner]))).toBe(golden.relay);
    expect(relayHeader.decode(bytes(golden.relay).subarray(1))).toEqual(plain(header));
  });

  it('the state of a push/pull, empty slots as nil', () => {
    const state = {
      lTime: 4,
      statusLTimes: new Map([['node-a', 2]]),
      leftMembers: [],
      eventLTime: 3,
      events: [
        undefined,
        { lTime: 1, events: [{ name: 'discovered', payload: text('c1') }] },
        undefined,
      ],
      queryLTime: 1,
    };
    both(pushPull, state, golden.pushPull);
    expect(bufferSlots).toBe(512);
  });

  it('votes in a name conflict', () => {
    both(
      conflictResponse,
      {
        name: 'node-a',
        addr: loopback,
        port: 30_190,
        tags: new Map([['role', 'x']]),
        status: 1,
        protocolMin: 1,
        protocolMax: 5,
        protocolCur: 2,
        delegateMin: 2,
        delegateMax: 5,
        delegateCur: 5,
      },
      golden.conflictResponse,
    );
  });

  it('keys', () => {
    both(keyRequest, { key: Uint8Array.of(1, 2, 3) }, golden.keyRequest);
    both(keyResponse, { result: true, message: '', keys: ['AQID'] }, golden.keyResponse);
  });

  it('tags', () => {
    expect(hex(encodeTags({ role: 'abc' }))).toBe(golden['tags{role:abc}']);
    expect(hex(encodeTags({}))).toBe(golden['tags{}']);
    expect(decodeTags(bytes(golden['tags{role:abc}']))).toEqual({ role: 'abc' });
    expect(decodeTags(bytes(golden['tags{}']))).toEqual({});
  });

  it('the coordinate on an ack', () => {
    const expected = golden['pingAckPayload(coordinate)'];
    expect(hex(encodeCoordinate(originCoordinate))).toBe(expected);
    expect(decodeCoordinate(bytes(expected))).toEqual(originCoordinate);
  });

  it('leave no vector of the serf layer out', () => {
    expect([...compared].sort()).toEqual(Object.keys(vectors).sort());
  });
});
