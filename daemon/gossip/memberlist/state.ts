// The rules of the state machine (serf-wire.md §5): what an alive, suspect or dead message, a
// merge and an accusation of ourselves change.

import type { Clock } from '../../support/clock.ts';
import { alive, dead, suspect, type Alive, type Dead, type Suspect } from '../wire/messages.ts';
import type { PushNodeState } from '../wire/messages.ts';
import type { Awareness } from './awareness.ts';
import type { TransmitLimitedQueue } from './broadcast-queue.ts';
import type { MemberlistConfig } from './config.ts';
import type { Counters } from './counters.ts';
import type { Delegates } from './delegate.ts';
import { decodeVersions, encodeVersions, type Node } from './node.ts';
import { isDeadOrLeft, type Entry, type NodeTable } from './node-table.ts';
import type { PatienceOptions } from './patience.ts';
import { expectedConfirmations, Suspicion, suspicionTimeoutMs } from './suspicion.ts';

/**
 * Incarnations start at 1 and grow by one per refutation. One beyond this is forged: taking it
 * would leave its node no number with which to refute.
 */
const maxIncarnation = 2 ** 31;

/** `State` of a push/pull entry. */
const stateCodes = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;

export interface StateOptions {
  readonly config: MemberlistConfig;
  readonly clock: Clock;
  readonly nodes: NodeTable;
  readonly broadcasts: TransmitLimitedQueue;
  readonly awareness: Awareness;
  readonly delegates: Delegates;
  readonly counters: Counters;
  readonly patience: PatienceOptions;
}

export class StateRules {
  readonly #options: StateOptions;
  #incarnation = 0;
  /** We said that we leave: accusations are right then. */
  #leaving = false;

  constructor(options: StateOptions) {
    this.#options = options;
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  /** Makes or renews our own entry. `finished` is called when it has been gossiped enough. */
  announceSelf(self: Omit<Node, 'state' | 'name'>, finished?: () => void): void {
    const { config } = this.#options;
    this.#incarnation += 1;
    const message: Alive = {
      incarnation: this.#incarnation,
      node: config.name,
      addr: self.addr,
      port: self.port,
      meta: self.meta.length === 0 ? undefined : self.meta,
      vsn: encodeVersions(self.versions),
    };
    this.alive(message, { own: true, finished });
  }

  /** Says that we are gone; `finished` is called when it has been gossiped enough. */
  announceDeparture(finished: () => void): void {
    const { config, nodes } = this.#options;
    this.#leaving = true;
    const incarnation = nodes.get(config.name)?.incarnation ?? this.#incarnation;
    this.dead({ incarnation, node: config.name, from: config.name }, finished);
  }

  /** A node says, or is said, to be alive. */
  alive(
    message: Alive,
    options: { readonly own?: boolean; readonly finished?: (() => void) | undefined } = {},
  ): void {
    const { config, clock, nodes, delegates, counters } = this.#options;
    const isSelf = message.node === config.name;
    if (isSelf && this.#leaving) return;
    const known = nodes.get(message.node);
    // Most of what gossip brings is known: it costs a comparison, and no copies.
    if (known !== undefined && !isSelf && isOldNews(known, message)) return;
    const described = this.#describe(message);
    if (described === undefined) {
      counters.add('aliveRefused');
      return;
    }
    if (!isSelf && delegates.alive?.notifyAlive(described) !== undefined) {
      counters.add('aliveRefused');
      return;
    }

    let entry = known;
    let moved = false;
    if (entry === undefined) {
      if (nodes.size >= config.limits.maxNodes) {
        counters.add('nodeLimitRefused');
        return;
      }
      const node: Node = { ...described, meta: new Uint8Array(0), state: 'dead' };
      entry = { node, incarnation: 0, stateChangeMs: clock.monotonicMs(), suspicion: undefined };
      nodes.add(entry);
    } else if (!sameAddress(entry.node, described)) {
      if (!this.#mayMove(entry)) {
        counters.add('nameConflicts');
        delegates.conflict?.notifyConflict(entry.node, described);
        return;
      }
      moved = true;
    }

    if (isSelf && options.own !== true) {
      this.#heardOfSelf(entry, message, described);
      return;
    }
    if (message.incarnation <= entry.incarnation && !isSelf && !moved) return;

    const before = entry.node;
    this.#endSuspicion(entry);
    this.#broadcast(message.node, alive.encode(message), options.finished);
    if (before.state !== 'alive') entry.stateChangeMs = clock.monotonicMs();
    entry.incarnation = message.incarnation;
    nodes.update(entry, described);
    if (isDeadOrLeft(before.state)) delegates.events?.notifyJoin(entry.node);
    else if (Buffer.compare(before.meta, entry.node.meta) !== 0) {
      delegates.events?.notifyUpdate(entry.node);
    }
  }

  /** A node did not answer somebody. */
  suspect(message: Suspect): void {
    const { config, nodes, clock, counters } = this.#options;
    const entry = nodes.get(message.node);
    if (entry === undefined || message.incarnation < entry.incarnation) return;
    if (message.incarnation > maxIncarnation) {
      counters.add('incarnationRefused');
      return;
    }
    if (entry.suspicion !== undefined) {
      if (entry.suspicion.confirm(message.from)) {
        this.#broadcast(message.node, suspect.encode(message));
      }
      return;
    }
    if (entry.node.state !== 'alive') return;
    if (message.node === config.name) {
      this.#refute(entry, message.incarnation);
      return;
    }
    this.#broadcast(message.node, suspect.encode(message));
    counters.add('suspicions');
    entry.incarnation = message.incarnation;
    entry.stateChangeMs = clock.monotonicMs();
    nodes.update(entry, { state: 'suspect' });
    entry.suspicion = this.#startSuspicion(entry, message.from);
  }

  /** A suspicion ran out somewhere, or the node left. */
  dead(message: Dead, finished?: () => void): void {
    const { config, nodes, delegates, clock, counters } = this.#options;
    const entry = nodes.get(message.node);
    if (entry === undefined || message.incarnation < entry.incarnation) return;
    if (message.incarnation > maxIncarnation) {
      counters.add('incarnationRefused');
      return;
    }
    this.#endSuspicion(entry);
    if (isDeadOrLeft(entry.node.state)) return;
    if (message.node === config.name && !this.#leaving) {
      this.#refute(entry, message.incarnation);
      return;
    }
    this.#broadcast(message.node, dead.encode(message), finished);
    entry.incarnation = message.incarnation;
    entry.stateChangeMs = clock.monotonicMs();
    nodes.update(entry, { state: message.from === message.node ? 'left' : 'dead' });
    delegates.events?.notifyLeave(entry.node);
  }

  /** Our whole state, for a push/pull. */
  snapshot(): PushNodeState[] {
    return this.#options.nodes.all().map(({ node, incarnation }) => ({
      name: node.name,
      addr: node.addr,
      port: node.port,
      meta: node.meta.length === 0 ? undefined : node.meta,
      incarnation,
      state: stateCodes[node.state],
      vsn: encodeVersions(node.versions),
    }));
  }

  /** The state of the other side of a push/pull. Its dead are only suspects to us. */
  merge(states: readonly PushNodeState[]): void {
    const { name } = this.#options.config;
    for (const { name: node, incarnation, state, ...rest } of states) {
      if (state === stateCodes.alive) this.alive({ node, incarnation, ...rest });
      else if (state === stateCodes.left) this.dead({ node, incarnation, from: node });
      else if (state === stateCodes.suspect || state === stateCodes.dead) {
        this.suspect({ node, incarnation, from: name });
      }
    }
  }

  /** The node of an alive message; `undefined` where it cannot be one. */
  #describe(message: Alive): Node | undefined {
    const { addr, vsn, incarnation } = message;
    if (message.node === '' || incarnation > maxIncarnation) return undefined;
    if (addr.length !== 4 && addr.length !== 16) return undefined;
    const versions = decodeVersions(vsn);
    if (versions === undefined) return undefined;
    // serf-wire.md §0, memberlist 0.1.4: such versions would block every later merge.
    const { pMin, pMax } = versions;
    if (pMin === 0 || pMax === 0 || pMin > pMax) return undefined;
    return {
      name: message.node,
      // Copies: the message is a view of a buffer that may be large.
      addr: new Uint8Array(addr),
      // serf-wire.md §3: port 0 means "the same as yours".
      port: message.port === 0 ? this.#options.config.bind.port : message.port,
      meta: new Uint8Array(message.meta ?? []),
      versions,
      state: 'alive',
    };
  }

  /** Whether another address may take over the name (serf-wire.md §5, memberlist 0.2.2). */
  #mayMove(entry: Entry): boolean {
    if (entry.node.state === 'left') return true;
    const deadForMs = this.#options.clock.monotonicMs() - entry.stateChangeMs;
    return entry.node.state === 'dead' && deadForMs >= this.#options.config.deadNodeReclaimTimeMs;
  }

  #heardOfSelf(entry: Entry, message: Alive, described: Node): void {
    if (message.incarnation < entry.incarnation) return;
    const known =
      message.incarnation === entry.incarnation &&
      Buffer.compare(described.meta, entry.node.meta) === 0 &&
      Buffer.compare(message.vsn, encodeVersions(entry.node.versions)) === 0;
    if (!known) this.#refute(entry, message.incarnation);
  }

  #refute(entry: Entry, accusedIncarnation: number): void {
    const { awareness, counters } = this.#options;
    counters.add('refutations');
    this.#incarnation = Math.max(this.#incarnation, accusedIncarnation) + 1;
    entry.incarnation = this.#incarnation;
    awareness.applyDelta(1);
    const { name, addr, port, meta, versions } = entry.node;
    const message: Alive = {
      incarnation: this.#incarnation,
      node: name,
      addr,
      port,
      meta: meta.length === 0 ? undefined : meta,
      vsn: encodeVersions(versions),
    };
    this.#broadcast(name, alive.encode(message));
  }

  #startSuspicion(entry: Entry, from: string): Suspicion {
    const { config, nodes, patience, counters } = this.#options;
    const { name } = entry.node;
    const { incarnation } = entry;
    const minMs = suspicionTimeoutMs(config.suspicionMult, nodes.size, config.probeIntervalMs);
    return new Suspicion({
      ...patience,
      from,
      expected: expectedConfirmations(config.suspicionMult, nodes.size),
      minMs,
      maxMs: config.suspicionMaxTimeoutMult * minMs,
      expired: () => {
        entry.suspicion = undefined;
        counters.add('suspicionsExpired');
        this.dead({ incarnation, node: name, from: config.name });
      },
    });
  }

  #endSuspicion(entry: Entry): void {
    entry.suspicion?.cancel();
    entry.suspicion = undefined;
  }

  #broadcast(key: string, message: Uint8Array, finished?: () => void): void {
    this.#options.broadcasts.queue({
      key,
      message,
      ...(finished === undefined ? {} : { finished }),
    });
  }
}

function isOldNews({ node, incarnation }: Entry, message: Alive): boolean {
  return message.incarnation <= incarnation && sameAddress(node, message);
}

function sameAddress(
  left: Pick<Node, 'addr' | 'port'>,
  right: Pick<Node, 'addr' | 'port'>,
): boolean {
  return left.port === right.port && Buffer.compare(left.addr, right.addr) === 0;
}
