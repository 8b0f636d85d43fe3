// Spreading what is queued to a few random members, often; and repairing the rest by a push/pull
// with one of them, seldom (serf-wire.md §6, §7).

import { StreamError } from '../transport/transport.ts';
import type { Core } from './core.ts';
import { socketAddress } from './node.ts';
import type { Entry } from './node-table.ts';
import { AnswerError, MergeRefused, pushPull, pushPullScaleMs } from './push-pull.ts';

export class Gossiper {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** One gossip: to the living, the suspected, and those who have not been dead for long. */
  tick(): void {
    const { config, nodes, packets } = this.#core;
    const targets = nodes.pick(config.gossipNodes, (entry) => this.#isWorthGossip(entry));
    for (const { node } of targets) if (!packets.sendGossip(node)) return;
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
