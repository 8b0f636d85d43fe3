// What the overview's sparklines show: the figures as they came since this page was opened. The
// daemon keeps no history of them, so nothing older is drawn.

import type { Figures } from '../../proto/gen/syncer/control/v1/control.ts';

export interface Sample {
  readonly timeMs: number;
  readonly exported: number;
  readonly imported: number;
  /** 0 to 1; undefined: not measured. */
  readonly leasesInTime: number | undefined;
  readonly held: number;
  readonly medianMs: number | undefined;
  readonly worstMs: number | undefined;
}

/** Ten minutes at one sample a second. Raising it costs memory and drawing. */
const mostKept = 600;
const gapMs = 1_000;

class Samples {
  list = $state.raw<readonly Sample[]>([]);

  take(figures: Figures, timeMs: number): void {
    const sample: Sample = {
      timeMs,
      exported: figures.exportedInstances,
      imported: figures.foreignInstances,
      leasesInTime: figures.leasesInTimeShare,
      held: figures.held,
      medianMs: figures.lag?.p50Ms,
      worstMs: figures.lag?.worstMs,
    };
    const last = this.list.at(-1);
    const before = this.list.at(-2);
    // Within a second the newest stands for it.
    const replaces = last !== undefined && before !== undefined && timeMs - before.timeMs < gapMs;
    this.list = [...(replaces ? this.list.slice(0, -1) : this.list), sample].slice(-mostKept);
  }
}

export const samples = new Samples();
