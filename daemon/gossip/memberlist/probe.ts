// Failure detection: one member is probed at a time, directly, through others, and over a stream
// (SWIM §3; Lifeguard for health and nacks; serf-wire.md §4).

import { encodeCompounds } from '../wire/compound.ts';
import { indirectPing, ping, suspect } from '../wire/messages.ts';
import type { Core } from './core.ts';
import { socketAddress, type Node } from './node.ts';
import { isDeadOrLeft, type Entry } from './node-table.ts';
import { patientTimer, type PatientTimer } from './patience.ts';
import { streamPing } from './stream-ping.ts';

/** Protocol from which a peer answers nacks, and from which it answers pings on a stream. */
const nackProtocol = 4;
const streamPingProtocol = 3;

export class Prober {
  readonly #core: Core;
  #probing = false;
  #stopped = false;
  readonly #timers = new Set<PatientTimer>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Probes the next member of the ring, unless a probe is under way. */
  tick(): void {
    if (this.#probing) return;
    const { config, clock, nodes } = this.#core;
    const nowMs = clock.monotonicMs();
    const target = nodes.nextInRing(
      ({ node }) => node.name !== config.name && !isDeadOrLeft(node.state),
      ({ node, stateChangeMs }) =>
        node.name !== config.name &&
        isDeadOrLeft(node.state) &&
        nowMs - stateChangeMs > config.gossipToTheDeadTimeMs,
    );
    if (target !== undefined) this.#probe(target);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #probe({ node: target, incarnation }: Entry): void {
    const { config, clock, awareness, acks, counters, delegates, rules } = this.#core;
    this.#probing = true;
    counters.add('probes');
    const seqNo = acks.nextSeqNo();
    const startMs = clock.monotonicMs();
    const intervalMs = awareness.scaleTimeoutMs(config.probeIntervalMs);
    const nacks = { expected: 0, received: 0 };
    let direct = true;
    let done = false;
    let streamAnswer: Promise<boolean> = Promise.resolve(false);

    const finish = (healthDelta: number): void => {
      done = true;
      this.#probing = false;
      acks.forget(seqNo);
      awareness.applyDelta(healthDelta);
    };
    acks.expect(seqNo, {
      ack: (payload) => {
        if (done || this.#stopped) return;
        if (direct) {
          const roundTripMs = clock.monotonicMs() - startMs;
          delegates.ping?.notifyPingComplete(target, roundTripMs, payload);
        } else counters.add('probesRescuedIndirectly');
        finish(-1);
      },
      nack: () => {
        nacks.received += 1;
      },
    });

    this.#sendPing(target, incarnation, seqNo);
    this.#decideAfter(config.probeTimeoutMs, () => {
      if (done) return;
      direct = false;
      nacks.expected = this.#askOthers(target, seqNo);
      if (config.tcpPings && target.versions.pMax >= streamPingProtocol) {
        streamAnswer = streamPing(this.#core, target, seqNo, startMs + intervalMs);
      }
    });
    this.#decideAfter(intervalMs, () => {
      if (done) return;
      void streamAnswer.then((answered) => {
        if (done || this.#stopped) return;
        if (answered) {
          counters.add('probesRescuedByStream');
          finish(-1);
          return;
        }
        counters.add('probesFailed');
        finish(nacks.expected > 0 ? Math.max(0, nacks.expected - nacks.received) : 1);
        rules.suspect({ incarnation, node: target.name, from: config.name });
      });
    });
  }

  /** A suspect is told so in the same datagram, that it may refute at once ("buddy"). */
  #sendPing(target: Node, incarnation: number, seqNo: number): void {
    const { config, packets } = this.#core;
    const message = ping.encode({ seqNo, node: target.name });
    const to = socketAddress(target);
    if (target.state === 'alive') {
      packets.sendWithGossip(to, message);
      return;
    }
    const accusation = suspect.encode({ incarnation, node: target.name, from: config.name });
    for (const packet of encodeCompounds([message, accusation])) packets.send(to, packet, target);
  }

  /** Asks peers to ping the target; gives the number of nacks that may come. */
  #askOthers(target: Node, seqNo: number): number {
    const { config, nodes, packets, counters } = this.#core;
    const peers = nodes.pick(
      config.indirectChecks,
      ({ node }) =>
        node.state === 'alive' && node.name !== config.name && node.name !== target.name,
    );
    let expectedNacks = 0;
    for (const { node: peer } of peers) {
      const nack = peer.versions.pMax >= nackProtocol;
      if (nack) expectedNacks += 1;
      counters.add('indirectPingsSent');
      packets.sendWithGossip(
        socketAddress(peer),
        indirectPing.encode({
          seqNo,
          target: target.addr,
          port: target.port,
          node: target.name,
          nack,
        }),
      );
    }
    return expectedNacks;
  }

  #decideAfter(delayMs: number, run: () => void): void {
    const timer = patientTimer(this.#core.patience, delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#stopped) run();
    });
    this.#timers.add(timer);
  }
}
