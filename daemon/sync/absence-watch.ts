// Notices when the absence policy of a silent peer enters another phase, so that its copies are
// judged anew: nothing else would touch them.

import type { AbsencePolicy } from '../model/rules.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { absencePhase } from './absence.ts';
import { silenceOf } from './desired.ts';
import type { PeerState } from './peer-state.ts';

/** How late a countdown's end may be noticed. */
const intervalMs = 1000;

export interface AbsenceWatchOptions {
  readonly clock: Clock;
  readonly peers: ReadonlyMap<string, PeerState>;
  readonly policies: () => readonly AbsencePolicy[];
  phaseChanged(cluster: string): void;
}

export class AbsenceWatch {
  readonly #options: AbsenceWatchOptions;
  readonly #phases = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(options: AbsenceWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(intervalMs, () => {
      this.#look();
      this.start();
    });
  }
  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const policies = this.#options.policies();
    for (const [cluster, peer] of this.#options.peers) {
      const silence = silenceOf(peer);
      const phases = policies.map((policy) => absencePhase(policy, silence).phase).join(' ');
      if (this.#phases.get(cluster) === phases) continue;
      this.#phases.set(cluster, phases);
      this.#options.phaseChanged(cluster);
    }
  }
}
