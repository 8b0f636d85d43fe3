// Random stories of faults under a virtual clock. Each must keep the four promises: no native
// instance touched, no false removal, no echo, duplicate or orphan, at most one write per instance
// and window, and registries in sync once the faults are over.

import { describe, expect, it } from 'vitest';
import { shrink, storyText, tellStory, type Story } from './story.ts';
import { World } from './world.ts';

const seeds = Number(process.env.TEST_SEEDS ?? '100');
/** `TEST_SEED` replays one story. */
const only = process.env.TEST_SEED;

async function violationsOf(story: Story): Promise<readonly string[]> {
  return (await new World(story).live()).violations;
}

describe('simulation', () => {
  it(
    `keeps its promises in ${only ?? seeds} stories`,
    async () => {
      const first = only === undefined ? 1 : Number(only);
      const last = only === undefined ? seeds : first;
      for (let seed = first; seed <= last; seed++) {
        const story = tellStory(seed);
        const violations = await violationsOf(story);
        if (violations.length === 0) continue;
        const shortest = await shrink(
          story,
          async (candidate) => (await violationsOf(candidate)).length > 0,
        );
        const found = await violationsOf(shortest);
        expect.fail(
          `${storyText(shortest)}\n${found.slice(0, 10).join('\n')}\n` +
            `(the whole story of this seed has ${story.steps.length} steps)`,
        );
      }
    },
    Math.max(120_000, seeds * 3000),
  );

  it('replays a story exactly', async () => {
    const first = await new World(tellStory(7)).live();
    const second = await new World(tellStory(7)).live();
    expect(second).toEqual(first);
  });
});
