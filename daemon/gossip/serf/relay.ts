// Relays: an answer takes a second way over another member, for links that lose one direction
// (serf-wire.md §8 "relay").

import { randomInt, type Random } from '../../support/random.ts';
import { socketAddress } from '../memberlist/node.ts';
import type { Address } from '../transport/transport.ts';
import { MsgpackReader } from '../wire/msgpack.ts';
import type { Member } from './members.ts';
import { relayHeader, serfMessageType, type Query } from './messages.ts';

/** From this serf protocol on a member understands relays. */
const relayProtocol = 5;
/** More copies than this help nobody. */
const maxRelayFactor = 10;

/** `factor` random members that may relay; none where the pool has too few (serf: factor + 1). */
export function relayTargets(
  pool: { readonly self: string; readonly random: Random; members(): Iterable<Member> },
  factor: number,
): readonly Member[] {
  const wanted = Math.min(factor, maxRelayFactor);
  if (wanted === 0) return [];
  const members = [...pool.members()];
  if (members.length < wanted + 1) return [];
  const able = members.filter(
    ({ name, status, versions }) =>
      name !== pool.self && status === 'alive' && versions.dMax >= relayProtocol,
  );
  const chosen: Member[] = [];
  while (chosen.length < wanted && able.length > 0) {
    chosen.push(...able.splice(randomInt(pool.random, able.length), 1));
  }
  return chosen;
}

/** A response with the address of the member that asked in front. */
export function wrapForRelay(question: Query, response: Uint8Array): Uint8Array {
  const header = relayHeader.encode({
    destAddr: { ip: question.addr, port: question.port, zone: '' },
    ...(question.sourceNode === undefined ? {} : { destName: question.sourceNode }),
  });
  return Buffer.concat([header, response]);
}

/** What a relay asks for: the message, and where it is to go. Throws `WireError`. */
export function unwrapRelay(body: Uint8Array): { to: Address; message: Uint8Array } | undefined {
  const reader = new MsgpackReader(body);
  const { destAddr } = relayHeader.read(reader);
  const message = body.subarray(reader.offset);
  const { ip, port } = destAddr;
  if ((ip.length !== 4 && ip.length !== 16) || port === 0 || port > 0xffff) return undefined;
  // Only answers are relayed: we are no postman for anything else.
  if (message[0] !== serfMessageType.queryResponse) return undefined;
  return { to: socketAddress({ addr: ip, port }), message };
}
