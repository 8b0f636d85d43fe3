// What the overview's sparklines show: the figures as they came since this page was opened. The
// daemon keeps no history of them, so nothing older is drawn.

import type { Figures } from '../../proto/gen/syncer/control/v1/control.ts';

export interface Sample {
  readonly timeMs: number;
  /** Undefined: nobody looked, so nothing was heard. */
  readonly exported: number | undefined;
  readonly imported: number | undefined;
  /** 0 to 1; undefined: not measured. */
  readonly leasesInTime: number | undefined;
  readonly held: number | undefined;
  readonly medianMs: number | undefined;
  readonly worstMs: number | undefined;
}

/** Ten minutes at one sample a second. Raising it costs memory and drawing. */
const mostKept = 600;
const gapMs = 1_000;

class Samples {
  list = $state.raw<readonly Sample[]>([]);
  #newest: Sample | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** One a second; of those that come within a second the newest stands for all. */
  take(figures: Figures, timeMs: number): void {
    this.#newest = {
      timeMs,
      exported: figures.exportedInstances,
      imported: figures.foreignInstances,
      leasesInTime: figures.leasesInTimeShare,
      held: figures.held,
      medianMs: figures.lag?.p50Ms,
      worstMs: figures.lag?.worstMs,
    };
    const last = this.list.at(-1);
    if (last === undefined || timeMs - last.timeMs >= gapMs) this.#addNewest();
    else this.#timer ??= setTimeout(() => this.#addNewest(), gapMs);
  }

  /** The page is seen again: what was before is not joined with what comes. */
  begin(): void {
    const last = this.list.at(-1);
    if (last === undefined) return;
    this.#add({
      timeMs: last.timeMs + 1,
      exported: undefined,
      imported: undefined,
      leasesInTime: undefined,
      held: undefined,
      medianMs: undefined,
      worstMs: undefined,
    });
  }

  #addNewest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#newest !== undefined) this.#add(this.#newest);
    this.#newest = undefined;
  }

  #add(sample: Sample): void {
    this.list = [...this.list, sample].slice(-mostKept);
  }
}

export const samples = new Samples();
