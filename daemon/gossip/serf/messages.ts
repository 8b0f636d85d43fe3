// serf's messages, a table each (serf-wire.md §8).

import {
  bool,
  bytes,
  bytesUpTo,
  count,
  f64,
  i64,
  list,
  mapOf,
  message,
  nullable,
  omitEmpty,
  table,
  text,
  textUpTo,
  u16,
  u32,
  u64Saturated,
  u8,
  type Shape,
} from '../wire/table.ts';
import { nodeNameMaxSize } from '../wire/messages.ts';

/** First byte of every serf message. */
export const serfMessageType = {
  leave: 0,
  join: 1,
  pushPull: 2,
  userEvent: 3,
  query: 4,
  queryResponse: 5,
  conflictResponse: 6,
  keyRequest: 7,
  keyResponse: 8,
  relay: 9,
} as const;

/** Bits of `flags` in queries and their responses. */
export const queryFlag = { ack: 1, noBroadcast: 2 } as const;

/** Slots of remembered events and queries, one per Lamport time modulo this. */
export const bufferSlots = 512;
/** Names in one push/pull; memberlist bounds its nodes alike. */
const maxNames = 20_000;
/** Events of one Lamport time in a push/pull. */
const maxEventsPerSlot = 1024;
/** Filters of one query. */
const maxFilters = 64;

const name = textUpTo(nodeNameMaxSize);
const address = bytesUpTo(16);
const lamportTime = u64Saturated;

export const leaveIntent = message(serfMessageType.leave, {
  lTime: ['LTime', lamportTime],
  node: ['Node', name],
  /** Forget the member at once (serf 0.8.4 and later). */
  prune: ['Prune', omitEmpty(bool)],
});

export const joinIntent = message(serfMessageType.join, {
  lTime: ['LTime', lamportTime],
  node: ['Node', name],
});

const rememberedEvent = table({ name: ['Name', text], payload: ['Payload', nullable(bytes)] });

const rememberedEvents = table({
  lTime: ['LTime', lamportTime],
  events: ['Events', list(rememberedEvent, maxEventsPerSlot)],
});

export const pushPull = message(serfMessageType.pushPull, {
  lTime: ['LTime', lamportTime],
  statusLTimes: ['StatusLTimes', mapOf(lamportTime, maxNames)],
  leftMembers: ['LeftMembers', list(name, maxNames)],
  eventLTime: ['EventLTime', lamportTime],
  /** All slots, the empty ones as nil. */
  events: ['Events', list(nullable(rememberedEvents), 8 * bufferSlots)],
  queryLTime: ['QueryLTime', lamportTime],
});

export const userEvent = message(serfMessageType.userEvent, {
  lTime: ['LTime', lamportTime],
  name: ['Name', text],
  payload: ['Payload', nullable(bytes)],
  /** Receivers may hand on only the newest of this name. */
  cc: ['CC', bool],
});

export const query = message(serfMessageType.query, {
  lTime: ['LTime', lamportTime],
  id: ['ID', u32],
  /** Where answers go. */
  addr: ['Addr', address],
  port: ['Port', u16],
  filters: ['Filters', nullable(list(bytes, maxFilters))],
  flags: ['Flags', u32],
  relayFactor: ['RelayFactor', u8],
  timeoutNs: ['Timeout', i64],
  name: ['Name', text],
  payload: ['Payload', nullable(bytes)],
  /** Who asks (serf 0.9.0 and later). */
  sourceNode: ['SourceNode', omitEmpty(name)],
});

export const queryResponse = message(serfMessageType.queryResponse, {
  lTime: ['LTime', lamportTime],
  id: ['ID', u32],
  from: ['From', name],
  flags: ['Flags', u32],
  payload: ['Payload', nullable(bytes)],
});

/** Before a message that a member passes on to `destAddr`. */
export const relayHeader = message(serfMessageType.relay, {
  destAddr: [
    'DestAddr',
    table({ ip: ['IP', address], port: ['Port', count], zone: ['Zone', text] }),
  ],
  destName: ['DestName', omitEmpty(name)],
});

/** What a member knows of another, as an answer to `_serf_conflict`. */
export const conflictResponse = message(serfMessageType.conflictResponse, {
  name: ['Name', name],
  addr: ['Addr', address],
  port: ['Port', u16],
  tags: ['Tags', mapOf(text, 256)],
  /** 0 none, 1 alive, 2 leaving, 3 left, 4 failed. */
  status: ['Status', count],
  protocolMin: ['ProtocolMin', u8],
  protocolMax: ['ProtocolMax', u8],
  protocolCur: ['ProtocolCur', u8],
  delegateMin: ['DelegateMin', u8],
  delegateMax: ['DelegateMax', u8],
  delegateCur: ['DelegateCur', u8],
});

export const keyRequest = message(serfMessageType.keyRequest, { key: ['Key', bytes] });

export const keyResponse = message(serfMessageType.keyResponse, {
  result: ['Result', bool],
  message: ['Message', text],
  /** Base64. */
  keys: ['Keys', nullable(list(text, 256))],
  primaryKey: ['PrimaryKey', omitEmpty(text)],
});

/** First byte of a filter of a query. */
export const filterType = { node: 0, tag: 1 } as const;

export const nodeFilter = list(name, 1024);

export const tagFilter = table({ expr: ['Expr', text], tag: ['Tag', text] });

/** A network coordinate, behind the version byte of an ack's payload (serf-wire.md §4). */
export const coordinateMessage = message(1, {
  adjustment: ['Adjustment', f64],
  error: ['Error', f64],
  height: ['Height', f64],
  vec: ['Vec', list(f64, 64)],
});

export type PushPull = Shape<typeof pushPull>;
export type UserEventMessage = Shape<typeof userEvent>;
export type Query = Shape<typeof query>;
export type QueryResponse = Shape<typeof queryResponse>;
export type KeyResponse = Shape<typeof keyResponse>;
