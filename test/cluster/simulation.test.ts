// Three replicas under whatever may befall them, on a virtual clock: the real election, fence, hand-over
// and mapping store against models of etcd, network, disk and registry (model/). TEST_SEEDS is the number
// of stories; TEST_SEED repeats those of one seed.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misfortunes } from './model/commands.ts';
import { Site } from './model/site.ts';

const nightly = process.env.TEST_NIGHTLY === '1';
const stories = Number(process.env.TEST_SEEDS ?? (nightly ? 2_000 : 100));

describe('a site of three', () => {
  it(`comes through ${stories} stories: one writer at a time, and nothing lost`, async () => {
    const told = { terms: 0, writes: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer(), misfortunes(40), async (seed, commands) => {
        const site = await Site.begin(seed);
        await fc.asyncModelRun(() => ({ model: {}, real: site }), commands);
        await site.heal();
        expect(await site.settled()).toEqual([]);
        told.terms += site.terms.size;
        told.writes += site.registry.landed;
      }),
      {
        numRuns: stories,
        ...(process.env.TEST_SEED === undefined ? {} : { seed: Number(process.env.TEST_SEED) }),
      },
    );
    // It was a story: terms ended, and much was written.
    expect(told.terms).toBeGreaterThan(2 * stories);
    expect(told.writes).toBeGreaterThan(100 * stories);
    console.log(`${stories} stories: ${told.terms} terms, ${told.writes} writes`);
  }, 1_800_000);
});
