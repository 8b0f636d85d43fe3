// Round trip and clock offset from echoes. The best round trip of late has the least queueing in
// it, so its offset is the one to believe.

interface Sample {
  readonly roundTripMs: number;
  readonly offsetMs: number;
}

/** Echoes that are remembered: a quarter of a minute at one a second. */
const remembered = 16;
/** Clocks drift; intervals that miss each other by less are no step. */
const driftMs = 2;

export class ClockFilter {
  #samples: Sample[] = [];

  /**
   * Takes one echo. `sentMs` and `receivedMs` are our clock at the beat and at its echo,
   * `peerMs` the peer's in between; `roundTripMs` is measured on a clock that never jumps.
   */
  add(sentMs: number, peerMs: number, receivedMs: number, roundTripMs: number): void {
    const sample = { roundTripMs, offsetMs: (sentMs + receivedMs) / 2 - peerMs };
    const best = this.best;
    // Each sample bounds the true offset to ± half its round trip. Where the bounds exclude each
    // other a clock was stepped, and what was learnt before is void.
    const apartMs = best === undefined ? 0 : Math.abs(sample.offsetMs - best.offsetMs);
    const allowedMs = (roundTripMs + (best?.roundTripMs ?? 0)) / 2 + driftMs;
    if (apartMs > allowedMs) this.#samples = [];
    this.#samples.push(sample);
    if (this.#samples.length > remembered) this.#samples.shift();
  }

  /** The best sample: `offsetMs` is our clock minus the peer's. `undefined` until measured. */
  get best(): Sample | undefined {
    let best: Sample | undefined;
    for (const sample of this.#samples) {
      if (best === undefined || sample.roundTripMs <= best.roundTripMs) best = sample;
    }
    return best;
  }
}
