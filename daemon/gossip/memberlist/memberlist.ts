// The membership engine: who is in the pool, kept by probing and gossip.

import type { Clock } from '../../support/clock.ts';
import type { Random } from '../../support/random.ts';
import type { JoinResult } from '../pool.ts';
import type { Address, OpenTransport } from '../transport/transport.ts';
import type { Envelope } from '../wire/datagram.ts';
import { metaMaxSize, userMsgHeader } from '../wire/messages.ts';
import { sealStreamMessage } from '../wire/stream.ts';
import { AckTable } from './acks.ts';
import { advertisedAddress } from './advertise.ts';
import { Awareness } from './awareness.ts';
import { TransmitLimitedQueue } from './broadcast-queue.ts';
import type { MemberlistConfig } from './config.ts';
import type { Core } from './core.ts';
import { Counters } from './counters.ts';
import { DatagramHandler } from './datagram-handler.ts';
import type { Delegates } from './delegate.ts';
import { Gossiper } from './gossip.ts';
import { joinAll } from './join.ts';
import { Keyring } from './keyring.ts';
import { hostOf, type Node, type Versions } from './node.ts';
import { isDeadOrLeft, NodeTable } from './node-table.ts';
import { Packets, userMessage } from './packets.ts';
import type { PatienceOptions } from './patience.ts';
import { Prober } from './probe.ts';
import { Reception } from './reception.ts';
import { StateRules } from './state.ts';
import { StreamHandler } from './stream-handler.ts';
import { startTicker } from './ticker.ts';
import { TroubleLog } from './trouble.ts';

/** What we speak of memberlist (serf-wire.md §3 "Vsn"). */
const protocolVersions = { pMin: 1, pMax: 5, pCur: 2 } as const;

export interface MemberlistOptions extends Delegates {
  readonly config: MemberlistConfig;
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Counters since the start, name → value; and `members`, `queued`, `healthScore` as of now. */
export type MemberlistStats = Readonly<Record<string, number>>;

/** What the layer above uses of memberlist; `Memberlist` is it. */
export interface MemberlistPort {
  /** Binds and becomes a member of a pool of one. Gives the address advertised. */
  start(): Promise<Address>;
  /** Pushes and pulls with every address once: `host`, `host:port`; a name may have several. */
  join(addresses: readonly string[]): Promise<JoinResult>;
  /** Tells the others that we leave; resolves when it has been sent often enough or in time. */
  leave(timeoutMs: number): Promise<void>;
  /** Stops at once; idempotent. */
  shutdown(): Promise<void>;
  /** Those alive or suspect, ourselves among them. */
  members(): readonly Node[];
  localNode(): Node;
  /** Asks `nodeMeta` again and spreads it; resolves when it has been sent often enough or in time. */
  updateNode(timeoutMs: number): Promise<void>;
  /** A user message in one datagram. At most 1,400 bytes, else throws. */
  sendUser(to: Address, bytes: Uint8Array): void;
  /** A user message over a stream. Rejects when the peer does not take it. */
  sendReliable(to: Address, bytes: Uint8Array): Promise<void>;
  /** The layer above has queued something to gossip: it goes out as soon as the pace allows. */
  gossipSoon(): void;
  /** All that are known, the dead among them: n of every formula. */
  numMembers(): number;
  /** Lifeguard's score of ourselves: 0 is healthy. */
  readonly healthScore: number;
  readonly keyring: Keyring;
  stats(): MemberlistStats;
}

/** What exists between `start` and `shutdown`. */
interface Running {
  readonly core: Core;
  readonly gossiper: Gossiper;
  readonly streams: StreamHandler;
  readonly reception: Reception;
  readonly stop: () => void;
}

/** A member of a pool. It can be started once. */
export class Memberlist implements MemberlistPort {
  readonly #options: MemberlistOptions;
  readonly #config: MemberlistConfig;
  readonly #counters = new Counters();
  readonly #awareness: Awareness;
  readonly #nodes: NodeTable;
  readonly #broadcasts: TransmitLimitedQueue;
  readonly keyring: Keyring;
  #running: Running | undefined;
  #state: 'new' | 'starting' | 'running' | 'stopped' = 'new';

  constructor(options: MemberlistOptions) {
    const { config } = options;
    this.#options = options;
    this.#config = config;
    this.keyring = new Keyring(config.keys);
    this.#awareness = new Awareness(config.awarenessMaxMultiplier);
    this.#nodes = new NodeTable(options.random);
    this.#broadcasts = new TransmitLimitedQueue({
      numNodes: () => this.#nodes.size,
      retransmitMult: config.retransmitMult,
      queued: () => this.gossipSoon(),
    });
  }

  async start(): Promise<Address> {
    if (this.#state !== 'new') throw new Error('a memberlist can be started only once');
    this.#state = 'starting';
    const { limits, bind, tcpTimeoutMs } = this.#config;
    // Nothing is handled before all parts are there.
    const transport = await this.#options.openTransport(
      { ...bind, streamTimeoutMs: tcpTimeoutMs, maxStreams: limits.maxStreams },
      {
        datagram: (bytes, from) => this.#running?.reception.offer(bytes, from),
        stream: (stream) => {
          if (this.#running === undefined) stream.destroy();
          else void this.#running.streams.handle(stream);
        },
      },
    );
    if (this.#isStopped()) {
      await transport.close();
      throw new Error('the memberlist was shut down');
    }
    const core = this.#assemble(transport);
    let self: Omit<Node, 'name' | 'state'>;
    try {
      self = { ...advertisedAddress(this.#config, transport), ...this.#description() };
    } catch (error) {
      this.#state = 'stopped';
      await transport.close();
      throw error;
    }
    const datagrams = new DatagramHandler(core);
    const reception = new Reception({
      limits,
      clock: core.clock,
      counters: core.counters,
      trouble: core.trouble,
      isMember: (address) => this.#nodes.hasAddress(address),
      defer: (run) => transport.defer(run),
      handle: (bytes, from) => datagrams.handle(bytes, from),
    });
    const streams = new StreamHandler(core);
    const gossiper = new Gossiper(core);
    this.#running = { core, gossiper, streams, reception, stop: startTicking(core, gossiper) };
    this.#state = 'running';
    core.rules.announceSelf(self);
    return { host: hostOf(self.addr), port: self.port };
  }

  async join(addresses: readonly string[]): Promise<JoinResult> {
    return joinAll(this.#started(), addresses);
  }

  async leave(timeoutMs: number): Promise<void> {
    const { rules } = this.#started();
    if (rules.leaving) return;
    await this.#spread(timeoutMs, (finished) => rules.announceDeparture(finished));
  }

  async shutdown(): Promise<void> {
    const running = this.#running;
    this.#state = 'stopped';
    this.#running = undefined;
    if (running === undefined) return;
    running.stop();
    running.reception.close();
    running.streams.close();
    for (const entry of this.#nodes.all()) entry.suspicion?.cancel();
    await running.core.transport.close();
  }

  members(): readonly Node[] {
    return this.#nodes
      .all()
      .map(({ node }) => node)
      .filter(({ state }) => !isDeadOrLeft(state));
  }

  localNode(): Node {
    const entry = this.#nodes.get(this.#config.name);
    if (entry === undefined) throw new Error('the memberlist has not been started');
    return entry.node;
  }

  async updateNode(timeoutMs: number): Promise<void> {
    const { rules } = this.#started();
    const { addr, port } = this.localNode();
    await this.#spread(timeoutMs, (finished) =>
      rules.announceSelf({ addr, port, ...this.#description() }, finished),
    );
  }

  sendUser(to: Address, bytes: Uint8Array): void {
    const { udpBufferSize } = this.#config;
    if (bytes.length >= udpBufferSize) {
      throw new RangeError(
        `a user message of ${bytes.length} bytes does not fit a datagram of ${udpBufferSize}`,
      );
    }
    this.#started().packets.sendWithGossip(to, userMessage(bytes));
  }

  async sendReliable(to: Address, bytes: Uint8Array): Promise<void> {
    const { transport, clock, envelope } = this.#started();
    const stream = await transport.dial(to, clock.monotonicMs() + this.#config.tcpTimeoutMs);
    try {
      const header = userMsgHeader.encode({ userMsgLen: bytes.length });
      await stream.write(sealStreamMessage(Buffer.concat([header, bytes]), envelope()));
      stream.end();
      // The peer closes once it has read the message; until then ours must stay open.
      while ((await stream.read()) !== undefined);
    } finally {
      stream.destroy();
    }
  }

  gossipSoon(): void {
    this.#running?.gossiper.wake();
  }

  numMembers(): number {
    return this.#nodes.size;
  }

  get healthScore(): number {
    return this.#awareness.healthScore;
  }

  stats(): MemberlistStats {
    const { core, streams, reception } = this.#running ?? {};
    return {
      ...this.#counters.toRecord(),
      members: this.members().length,
      known: this.#nodes.size,
      queued: this.#broadcasts.numQueued,
      healthScore: this.healthScore,
      acksAwaited: core?.acks.waiting ?? 0,
      streamsOpen: streams?.openStreams ?? 0,
      datagramsWaiting: reception?.waiting ?? 0,
      sendErrors: core?.transport.sendErrors ?? 0,
      streamsRefused: core?.transport.streamsRefused ?? 0,
    };
  }

  /** Announces something and waits until it was sent often enough, if anybody is there to hear it. */
  async #spread(timeoutMs: number, announce: (finished: () => void) => void): Promise<void> {
    const { clock } = this.#started();
    const audience = this.members().some(({ name }) => name !== this.#config.name);
    await new Promise<void>((resolve) => {
      announce(resolve);
      if (audience) clock.after(timeoutMs, resolve);
      else resolve();
    });
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #description(): { readonly meta: Uint8Array; readonly versions: Versions } {
    const meta = this.#options.delegate?.nodeMeta(metaMaxSize) ?? new Uint8Array(0);
    if (meta.length > metaMaxSize) {
      throw new RangeError(
        `the node's meta-data has ${meta.length} bytes, at most ${metaMaxSize} are allowed`,
      );
    }
    const { min, max, cur } = this.#config.delegateVersions;
    return { meta, versions: { ...protocolVersions, dMin: min, dMax: max, dCur: cur } };
  }

  #started(): Core {
    if (this.#running === undefined) {
      throw new Error(
        this.#state === 'stopped'
          ? 'the memberlist was shut down'
          : 'the memberlist is not started',
      );
    }
    return this.#running.core;
  }

  #assemble(transport: Core['transport']): Core {
    const { clock, random, openTransport: _, config, ...delegates } = this.#options;
    const counters = this.#counters;
    const label = Buffer.from(config.label, 'utf8');
    const envelope = (): Envelope => ({
      keys: this.keyring.keys(),
      encryptOutgoing: config.verifyOutgoing,
      verifyIncoming: config.verifyIncoming,
      label,
      compression: config.compression,
    });
    const patience: PatienceOptions = {
      clock,
      defer: (run) => transport.defer(run),
      stalled: () => {
        counters.add('stalls');
        this.#awareness.applyDelta(1);
      },
      graceMs: config.probeTimeoutMs,
    };
    const shared = { config, clock, counters, broadcasts: this.#broadcasts, transport, envelope };
    return {
      ...shared,
      random,
      delegates,
      patience,
      nodes: this.#nodes,
      awareness: this.#awareness,
      acks: new AckTable(),
      trouble: new TroubleLog(clock, delegates.trouble),
      packets: new Packets({ ...shared, delegate: delegates.delegate }),
      rules: new StateRules({
        ...shared,
        nodes: this.#nodes,
        awareness: this.#awareness,
        delegates,
        patience,
      }),
    };
  }
}

/** Starts what happens by itself; gives the function that stops it all. */
function startTicking(core: Core, gossiper: Gossiper): () => void {
  const { config, clock, random } = core;
  const prober = new Prober(core);
  const stops = [
    startTicker(
      clock,
      random,
      () => config.probeIntervalMs,
      () => prober.tick(),
    ),
    startTicker(
      clock,
      random,
      () => gossiper.pushPullIntervalMs(),
      () => gossiper.pushPullTick(),
    ),
    () => gossiper.stop(),
    () => prober.stop(),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
