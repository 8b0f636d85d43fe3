// memberlist's messages, a table each (serf-wire.md §3 "Struct fields").

import {
  bool,
  bytesUpTo,
  count,
  message,
  nullable,
  omitEmpty,
  table,
  text,
  textUpTo,
  u16,
  u32,
  u8,
  type Shape,
} from './table.ts';

/** First byte of every message (serf-wire.md §3). */
export const messageType = {
  ping: 0,
  indirectPing: 1,
  ackResp: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nackResp: 11,
  hasCrc: 12,
  err: 13,
  hasLabel: 244,
} as const;

/** memberlist's MetaMaxSize. */
export const metaMaxSize = 512;
/** A node name longer than this is refused: serf allows 128, a host name has 253. */
export const nodeNameMaxSize = 512;
/** The most that one TCP frame, its decompressed content or a user state may have, bytes. */
const streamMaxSize = 20 * 1024 * 1024;

const name = textUpTo(nodeNameMaxSize);
const address = bytesUpTo(16);
const meta = nullable(bytesUpTo(metaMaxSize));
const versions = bytesUpTo(16);

/** Who really asks, where the datagram's source may be rewritten (memberlist 0.2.0 and later). */
const source = {
  sourceAddr: ['SourceAddr', omitEmpty(address)],
  sourcePort: ['SourcePort', omitEmpty(u16)],
  sourceNode: ['SourceNode', omitEmpty(name)],
} as const;

export const ping = message(messageType.ping, {
  seqNo: ['SeqNo', u32],
  /** Must be the receiver's name where not empty. */
  node: ['Node', name],
  ...source,
});

export const indirectPing = message(messageType.indirectPing, {
  seqNo: ['SeqNo', u32],
  target: ['Target', address],
  port: ['Port', u16],
  node: ['Node', name],
  /** The asker understands a nack. */
  nack: ['Nack', bool],
  ...source,
});

export const ackResp = message(messageType.ackResp, {
  seqNo: ['SeqNo', u32],
  payload: ['Payload', nullable(bytesUpTo(0xffff))],
});

export const nackResp = message(messageType.nackResp, { seqNo: ['SeqNo', u32] });

/** An error answer; on streams only. */
export const errResp = message(messageType.err, { error: ['Error', text] });

const accusation = {
  incarnation: ['Incarnation', u32],
  node: ['Node', name],
  from: ['From', name],
} as const;

export const suspect = message(messageType.suspect, accusation);

export const dead = message(messageType.dead, accusation);

export const alive = message(messageType.alive, {
  incarnation: ['Incarnation', u32],
  node: ['Node', name],
  /** 4 or 16 bytes, compared and passed on as they are. */
  addr: ['Addr', address],
  port: ['Port', u16],
  meta: ['Meta', meta],
  /** `[pMin, pMax, pCur, dMin, dMax, dCur]`. */
  vsn: ['Vsn', versions],
});

export const pushPullHeader = message(messageType.pushPull, {
  nodes: ['Nodes', count],
  userStateLen: ['UserStateLen', count],
  join: ['Join', bool],
});

/** Follows the push/pull header, without a type byte. */
export const pushNodeState = table({
  name: ['Name', name],
  addr: ['Addr', address],
  port: ['Port', u16],
  meta: ['Meta', meta],
  incarnation: ['Incarnation', u32],
  /** 0 alive, 1 suspect, 2 dead, 3 left. */
  state: ['State', u8],
  vsn: ['Vsn', versions],
});

/** Before a user message on a stream. */
export const userMsgHeader = message(messageType.user, { userMsgLen: ['UserMsgLen', count] });

export const compressed = message(messageType.compress, {
  algo: ['Algo', u8],
  buf: ['Buf', bytesUpTo(streamMaxSize)],
});

export type Suspect = Shape<typeof suspect>;
export type Alive = Shape<typeof alive>;
export type Dead = Shape<typeof dead>;
export type PushNodeState = Shape<typeof pushNodeState>;
