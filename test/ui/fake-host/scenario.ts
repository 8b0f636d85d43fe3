// What the fake host plays. Every figure follows from the name: two runs give the same pages.

export const scenarios = [
  /** Just started: no application, no other cluster. */
  'empty',
  /** In sync with two clusters. */
  'calm',
  /** Four clusters with everything that may go wrong. */
  'loaded',
  /** The first state is told, then everything fails. */
  'error',
  'clusters-50',
  'instances-150000',
] as const;

export type Scenario = (typeof scenarios)[number];

/** Gives a random source of its own for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
