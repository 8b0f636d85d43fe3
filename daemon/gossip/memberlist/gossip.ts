// Spreading what is queued to a few random members, often; and repairing the rest by a push/pull
// with one of them, seldom (serf-wire.md §6, §7).

import type { Timer } from '../../support/clock.ts';
import { StreamError } from '../transport/transport.ts';
import type { Core } from './core.ts';
import { GossipPace } from './gossip-pace.ts';
import { socketAddress, type Node } from './node.ts';
import type { Entry } from './node-table.ts';
import { AnswerError, MergeRefused, pushPull, pushPullScaleMs } from './push-pull.ts';

export class Gossiper {
  readonly #core: Core;
  readonly #pace: GossipPace;
  /** The next round of the beat, with everything; and one before it, with news alone. */
  #beat: Timer | undefined;
  #early: Timer | undefined;
  #stopped = false;

  constructor(core: Core) {
    this.#core = core;
    this.#pace = new GossipPace(core.config.gossipIntervalMs);
  }

  /** Something was queued: it goes out as soon as the pace allows, and again by the beat. */
  wake(): void {
    if (this.#stopped) return;
    const { clock } = this.#core;
    this.#beatSoon();
    if (this.#early !== undefined) return;
    const nowMs = clock.monotonicMs();
    this.#early = clock.after(this.#pace.earliestMs(nowMs) - nowMs, () => {
      this.#early = undefined;
      const targets = this.#targets();
      if (targets.length === 0 || !this.#core.packets.sendNews(targets)) return;
      this.#pace.spend(clock.monotonicMs());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#beat?.cancel();
    this.#early?.cancel();
  }

  /** How long until the next push/pull, by the size of the pool. */
  pushPullIntervalMs(): number {
    const { config, nodes } = this.#core;
    return pushPullScaleMs(config.pushPullIntervalMs, nodes.size);
  }

  /** Exchanges the whole state with one random member. */
  pushPullTick(): void {
    const { config, nodes, counters, trouble } = this.#core;
    const [peer] = nodes.pick(1, ({ node }) => node.state === 'alive' && node.name !== config.name);
    if (peer === undefined) return;
    const { node } = peer;
    pushPull(this.#core, socketAddress(node), false).catch((error: unknown) => {
      counters.add('pushPullsFailed');
      if (error instanceof MergeRefused) trouble.note('refused-merge', node.name, error.message);
      else if (!(error instanceof StreamError) && !(error instanceof AnswerError)) {
        trouble.note('garbage', node.name, String(error));
      }
    });
  }

  /** While there is something to send, and somebody to hear it, one round follows the other. */
  #beatSoon(): void {
    if (this.#stopped) return;
    const { clock, config, packets } = this.#core;
    this.#beat ??= clock.after(config.gossipIntervalMs, () => {
      this.#beat = undefined;
      const told = this.#targets().filter((target) => packets.sendGossip(target));
      if (told.length > 0) this.#beatSoon();
    });
  }

  /** A few of the living, the suspected, and those who have not been dead for long. */
  #targets(): Node[] {
    const { config, nodes } = this.#core;
    return nodes
      .pick(config.gossipNodes, (entry) => this.#isWorthGossip(entry))
      .map(({ node }) => node);
  }

  #isWorthGossip({ node, stateChangeMs }: Entry): boolean {
    const { config, clock } = this.#core;
    if (node.name === config.name) return false;
    switch (node.state) {
      case 'alive':
      case 'suspect':
        return true;
      case 'dead':
        return clock.monotonicMs() - stateChangeMs <= config.gossipToTheDeadTimeMs;
      case 'left':
        return false;
    }
  }
}
