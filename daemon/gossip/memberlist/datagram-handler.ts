// What each message of a datagram does (serf-wire.md §3, §4, §5).

import type { Address } from '../transport/transport.ts';
import {
  ackResp,
  alive,
  dead,
  indirectPing,
  messageType,
  nackResp,
  ping,
  suspect,
} from '../wire/messages.ts';
import { openDatagram } from '../wire/datagram.ts';
import { DecryptError } from '../wire/encrypt.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Core } from './core.ts';
import { formatAddress, hostOf, socketAddress } from './node.ts';

/** Handles datagrams, one after the other. */
export class DatagramHandler {
  readonly #core: Core;
  #relayedPings = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Handles one datagram; whatever it holds, nothing is thrown. */
  handle(bytes: Uint8Array, from: Address): void {
    const { counters, config, envelope, trouble } = this.#core;
    counters.add('datagramsReceived');
    counters.add('datagramBytesReceived', bytes.length);
    try {
      const opened = openDatagram(bytes, envelope(), config.limits.datagramBytes);
      if (opened.broken > 0) {
        counters.add('messagesBroken', opened.broken);
        trouble.note('garbage', formatAddress(from), 'a compound with broken parts');
      }
      for (const message of opened.messages) this.#dispatch(message, from);
    } catch (error) {
      this.#refused(error, from);
    }
  }

  #dispatch(message: Uint8Array, from: Address): void {
    const { acks, rules, counters, delegates } = this.#core;
    const body = message.subarray(1);
    try {
      switch (message[0]) {
        case messageType.ping:
          this.#ping(body, from);
          break;
        case messageType.indirectPing:
          this.#indirectPing(body, from);
          break;
        case messageType.ackResp: {
          const { seqNo, payload } = ackResp.decode(body);
          if (!acks.acked(seqNo, payload ?? new Uint8Array(0))) counters.add('acksUnexpected');
          break;
        }
        case messageType.nackResp:
          if (!acks.nacked(nackResp.decode(body).seqNo)) counters.add('acksUnexpected');
          break;
        case messageType.suspect:
          rules.suspect(suspect.decode(body));
          break;
        case messageType.alive:
          rules.alive(alive.decode(body));
          break;
        case messageType.dead:
          rules.dead(dead.decode(body));
          break;
        case messageType.user:
          delegates.delegate?.notifyMessage(body);
          break;
        default:
          throw new WireError(`a datagram message of type ${message[0] ?? -1}`);
      }
    } catch (error) {
      this.#refused(error, from);
    }
  }

  #ping(body: Uint8Array, from: Address): void {
    const { config, counters, delegates, packets } = this.#core;
    const { seqNo, node, sourceAddr, sourcePort } = ping.decode(body);
    if (node !== '' && node !== config.name) {
      counters.add('pingsForOthers');
      return;
    }
    const payload = delegates.ping?.ackPayload();
    packets.sendWithGossip(
      answerAddress(sourceAddr, sourcePort, from),
      ackResp.encode({ seqNo, payload }),
    );
  }

  /** Pings a third member for the asker, with a sequence number of our own. */
  #indirectPing(body: Uint8Array, from: Address): void {
    const { acks, config, clock, counters, packets } = this.#core;
    const request = indirectPing.decode(body);
    const asker = answerAddress(request.sourceAddr, request.sourcePort, from);
    if (this.#relayedPings >= config.limits.maxRelayedPings) {
      counters.add('indirectPingsRefused');
      return;
    }
    const { addr, port } = {
      addr: request.target,
      port: request.port === 0 ? config.bind.port : request.port,
    };
    if (addr.length !== 4 && addr.length !== 16) throw new WireError('a target without an address');
    this.#relayedPings += 1;
    counters.add('indirectPingsRelayed');
    const seqNo = acks.nextSeqNo();
    const timer = clock.after(config.probeTimeoutMs, () => {
      this.#relayedPings -= 1;
      acks.forget(seqNo);
      if (request.nack) {
        packets.sendWithGossip(asker, nackResp.encode({ seqNo: request.seqNo }));
      }
    });
    acks.expect(seqNo, {
      ack: () => {
        timer.cancel();
        this.#relayedPings -= 1;
        packets.sendWithGossip(asker, ackResp.encode({ seqNo: request.seqNo, payload: undefined }));
      },
    });
    packets.sendWithGossip(
      socketAddress({ addr, port }),
      ping.encode({ seqNo, node: request.node }),
    );
  }

  #refused(error: unknown, from: Address): void {
    const { counters, trouble } = this.#core;
    const source = formatAddress(from);
    if (error instanceof DecryptError) {
      counters.add('datagramsUndecryptable');
      trouble.note('key-mismatch', source, error.message);
    } else if (error instanceof WireError) {
      counters.add('datagramsGarbage');
      trouble.note('garbage', source, error.message);
    } else {
      // A defect of a delegate must not be in the power of a datagram to stop the listener.
      counters.add('internalErrors');
      trouble.note('garbage', source, `internal error: ${String(error)}`);
    }
  }
}

/** memberlist 0.2.0 and later name who asks; else the datagram's source is answered. */
function answerAddress(
  sourceAddr: Uint8Array | undefined,
  sourcePort: number | undefined,
  from: Address,
): Address {
  if (sourceAddr === undefined || sourcePort === undefined) return from;
  if (sourceAddr.length !== 4 && sourceAddr.length !== 16) return from;
  return { host: hostOf(sourceAddr), port: sourcePort };
}
