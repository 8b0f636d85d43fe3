// A story: what happens to a handful of sites, step by step. Made from a seed, and shortened when it
// ends badly.

import { randomInt, seededRandom, type Random } from '../../daemon/support/random.ts';
import type { Manner } from './model-registry.ts';

export type Step = { readonly atMs: number; readonly site: number } & (
  | { readonly kind: 'app-start'; readonly service: number }
  | { readonly kind: 'app-stop'; readonly app: number }
  | { readonly kind: 'app-crash'; readonly app: number }
  | { readonly kind: 'app-change'; readonly app: number }
  | { readonly kind: 'app-move'; readonly app: number; readonly to: number }
  | { readonly kind: 'app-flap'; readonly app: number }
  | { readonly kind: 'mass-restart' }
  | { readonly kind: 'daemon-kill'; readonly forMs: number; readonly wipe: boolean }
  | { readonly kind: 'daemon-stop'; readonly forMs: number }
  | { readonly kind: 'registry-manner'; readonly manner: Manner; readonly forMs: number }
  | { readonly kind: 'registry-restart'; readonly keepsData: boolean }
  | { readonly kind: 'link-cut'; readonly to: number; readonly forMs: number }
  | { readonly kind: 'clock-jump'; readonly byMs: number }
);

export interface Story {
  readonly seed: number;
  readonly sites: number;
  /** Instances per site at the beginning. */
  readonly apps: number;
  readonly graceSeconds: number;
  /** Large losses wait for a person; without this, wrong proofs are not hidden behind it. */
  readonly guarded: boolean;
  readonly steps: readonly Step[];
}

/** How long faults happen; after this everything is healed. */
export const unrestMs = 90_000;

/** Gives the story of a seed: always the same one. */
export function tellStory(seed: number): Story {
  const random = seededRandom(seed);
  const sites = 2 + Math.min(randomInt(random, 5), randomInt(random, 5));
  const apps = 1 + randomInt(random, 8);
  const graceSeconds = randomInt(random, 4) === 0 ? 75 : 600;
  const guarded = randomInt(random, 2) === 0;
  const count = 2 + randomInt(random, 14);
  const steps: Step[] = [];
  while (steps.length < count) {
    const last = steps.at(-1);
    const next = step(random, sites);
    // Troubles seldom come alone: half of them hit the same site soon after the last.
    const follows = last !== undefined && randomInt(random, 2) === 0;
    const atMs = follows ? Math.min(unrestMs, last.atMs + randomInt(random, 6000)) : next.atMs;
    steps.push(follows ? { ...next, atMs, site: last.site } : next);
  }
  steps.sort((left, right) => left.atMs - right.atMs);
  return { seed, sites, apps, graceSeconds, guarded, steps };
}

function step(random: Random, sites: number): Step {
  const at = { atMs: 3000 + randomInt(random, unrestMs - 3000), site: randomInt(random, sites) };
  const app = randomInt(random, 1000);
  const to = randomInt(random, sites);
  const forMs = [500, 3000, 10_000, 40_000, 85_000][randomInt(random, 5)] ?? 0;
  switch (randomInt(random, 17)) {
    case 0:
    case 1:
      return { ...at, kind: 'app-start', service: randomInt(random, 4) };
    case 2:
    case 3:
      return { ...at, kind: 'app-stop', app };
    case 4:
      return { ...at, kind: 'app-crash', app };
    case 5:
    case 6:
      return { ...at, kind: 'app-change', app };
    case 7:
      return { ...at, kind: 'app-move', app, to };
    case 8:
      return { ...at, kind: 'mass-restart' };
    case 9:
    case 10:
      return { ...at, kind: 'daemon-kill', forMs, wipe: randomInt(random, 3) === 0 };
    case 11:
      return { ...at, kind: 'daemon-stop', forMs };
    case 12: {
      const manners = ['down', 'hanging', 'failing', 'cold'] as const;
      const manner = manners[randomInt(random, manners.length)] ?? 'down';
      return { ...at, kind: 'registry-manner', manner, forMs };
    }
    case 13:
      return { ...at, kind: 'registry-restart', keepsData: randomInt(random, 2) === 0 };
    case 14:
      return { ...at, kind: 'app-flap', app };
    case 15:
      return { ...at, kind: 'link-cut', to, forMs };
    default:
      return { ...at, kind: 'clock-jump', byMs: (randomInt(random, 3) - 1) * 600_000 };
  }
}

/**
 * Gives the shortest story that `fails` still calls a failure: leaves out steps, in halves at first,
 * as long as any can be left out, then sites and applications.
 */
export async function shrink(
  story: Story,
  fails: (candidate: Story) => Promise<boolean>,
): Promise<Story> {
  let shortest = story;
  for (let size = Math.ceil(story.steps.length / 2); size >= 1;) {
    let shortened = false;
    for (let from = 0; from < shortest.steps.length; from += size) {
      const steps = shortest.steps.filter((_, index) => index < from || index >= from + size);
      const candidate = { ...shortest, steps };
      if (!(await fails(candidate))) continue;
      shortest = candidate;
      shortened = true;
      break;
    }
    if (!shortened) size = size === 1 ? 0 : Math.floor(size / 2);
  }
  for (const change of [{ sites: 2 }, { sites: 3 }, { apps: 1 }, { apps: 3 }]) {
    const candidate = { ...shortest, ...change };
    const smaller = candidate.sites <= shortest.sites && candidate.apps <= shortest.apps;
    if (smaller && (await fails(candidate))) shortest = candidate;
  }
  return shortest;
}

/** Gives the story as lines for people. */
export function storyText(story: Story): string {
  const { seed, sites, apps, graceSeconds, guarded, steps } = story;
  const head = `seed ${seed}: ${sites} sites, ${apps} instances each, grace ${graceSeconds} s${guarded ? '' : ', unguarded'}`;
  const lines = steps.map(({ atMs, site, kind, ...rest }) => {
    const details = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
    return `  ${(atMs / 1000).toFixed(1)} s  site ${site}  ${[kind, ...details].join(', ')}`;
  });
  return [head, ...lines].join('\n');
}
