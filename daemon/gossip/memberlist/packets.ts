// Datagrams on their way out: what is queued rides along on what is sent anyway (serf-wire.md §7).

import type { Address, Transport } from '../transport/transport.ts';
import { compoundHeaderOverhead, compoundPartOverhead, encodeCompounds } from '../wire/compound.ts';
import { sealDatagram, type Envelope } from '../wire/datagram.ts';
import { encryptOverhead } from '../wire/encrypt.ts';
import { messageType } from '../wire/messages.ts';
import type { TransmitLimitedQueue } from './broadcast-queue.ts';
import type { MemberlistConfig } from './config.ts';
import type { Counters } from './counters.ts';
import type { Delegate } from './delegate.ts';
import { socketAddress, type Node } from './node.ts';

/** The type byte before each message of the layer above. */
const userMessageOverhead = 1;
/** Nodes of this protocol and later check a datagram's checksum (serf-wire.md §2). */
const checksumProtocol = 5;

export interface PacketsOptions {
  readonly config: MemberlistConfig;
  readonly envelope: () => Envelope;
  readonly transport: Transport;
  readonly broadcasts: TransmitLimitedQueue;
  readonly delegate: Delegate | undefined;
  readonly counters: Counters;
}

export class Packets {
  readonly #options: PacketsOptions;

  constructor(options: PacketsOptions) {
    this.#options = options;
  }

  /** Sends one message as it is. A checksum goes before it when the target is known to check it. */
  send(to: Address, message: Uint8Array, target?: Node): void {
    const { transport, envelope, counters } = this.#options;
    const withChecksum = target !== undefined && target.versions.pMax >= checksumProtocol;
    const bytes = sealDatagram(message, envelope(), withChecksum);
    counters.add('datagramsSent');
    counters.add('datagramBytesSent', bytes.length);
    transport.send(to, bytes);
  }

  /** Sends a message with as many queued ones as fit beside it. */
  sendWithGossip(to: Address, message: Uint8Array): void {
    const limit = this.#room() - message.length - compoundPartOverhead;
    const queued = limit > 0 ? this.#queued(limit) : [];
    for (const packet of encodeCompounds([message, ...queued])) this.send(to, packet);
  }

  /** Sends what was never sent to all of these, as one packet each. False: there is nothing. */
  sendNews(targets: readonly Node[]): boolean {
    const { broadcasts, delegate } = this.#options;
    const news = this.#fill(this.#room(), {
      own: (overhead, limit) => broadcasts.takeNews(overhead, limit),
      above: (overhead, limit) => delegate?.takeNews(overhead, limit) ?? [],
    });
    for (const packet of encodeCompounds(news)) {
      for (const target of targets) this.send(socketAddress(target), packet, target);
    }
    return news.length > 0;
  }

  /** Sends what is queued, if anything is. False: the queues are empty. */
  sendGossip(target: Node): boolean {
    const queued = this.#queued(this.#room());
    const to = socketAddress(target);
    for (const packet of encodeCompounds(queued)) this.send(to, packet, target);
    return queued.length > 0;
  }

  /** Bytes that messages may take in one datagram. */
  #room(): number {
    const { config, envelope } = this.#options;
    const { keys, encryptOutgoing, label } = envelope();
    const encryption = keys.length > 0 && encryptOutgoing ? encryptOverhead : 0;
    const labelOverhead = label.length === 0 ? 0 : 2 + label.length;
    return config.udpBufferSize - compoundHeaderOverhead - encryption - labelOverhead;
  }

  #queued(limit: number): Uint8Array[] {
    const { broadcasts, delegate } = this.#options;
    return this.#fill(limit, {
      own: (overhead, room) => broadcasts.getBroadcasts(overhead, room),
      above: (overhead, room) => delegate?.getBroadcasts(overhead, room) ?? [],
    });
  }

  /** Messages for one packet: our own first, then those of the layer above. */
  #fill(limit: number, from: { readonly own: Source; readonly above: Source }): Uint8Array[] {
    const messages = from.own(compoundPartOverhead, limit);
    const used = messages.reduce((sum, { length }) => sum + length + compoundPartOverhead, 0);
    const overhead = compoundPartOverhead + userMessageOverhead;
    if (limit - used <= overhead) return messages;
    for (const body of from.above(overhead, limit - used)) messages.push(userMessage(body));
    return messages;
  }
}

/** Gives messages that cost their length + `overhead` each, at most `limit` bytes together. */
type Source = (overhead: number, limit: number) => Uint8Array[];

/** A message of the layer above with memberlist's type byte. */
export function userMessage(body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(messageType.user), body]);
}
