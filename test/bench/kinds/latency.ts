// A change at a site of one kind → readable at sites of the others, beside how long each registry itself
// takes until what was written to it can be read from it.

import { setTimeout as wait } from 'node:timers/promises';
import type { KindSite } from '../../interop/kinds/sites.ts';
import { copiesAt, startPool } from '../../interop/kinds/sites.ts';
import { poll } from '../../support/poll.ts';
import { goal, type BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { distribution, round } from '../statistics.ts';
import { ask, type Wanted } from './consumer.ts';
import type { KindAtHand } from './kinds-at-hand.ts';

const samples = { full: 30, quick: 6 };
/** Enough that the samples which leave are no loss of half a registry: that is held for a lease. */
const standing = 100;
/** Our part of a change between two kinds, at the median. */
const goalMs = 150;
/** Between two looks at a registry: the resolution, which counts against us. */
const lookMs = 10;
const seenLimitMs = 60_000;
/** A syncer writes an instance at most once a second (daemon/sync/write-queue.ts). */
const apartMs = 1_200;
const longestPauseMs = 400;

const changes = ['register', 'change', 'remove'] as const;
type Change = (typeof changes)[number];
type Texts = Readonly<Record<string, string>>;

/** What was measured of one origin: by the site where it was read, and by the change. */
type Seen = Map<string, Map<Change, number[]>>;

/** Measures every ordered pair of kinds. */
export async function measurePairs(context: BenchContext, kinds: readonly KindAtHand[]) {
  const { signal, say } = context;
  await using stack = new AsyncDisposableStack();
  const pool = await startPool(
    kinds.map(({ start }) => start),
    async (options) => stack.use(await startMeasuredDaemon(context, options)).daemon,
  );
  stack.defer(() => pool.close());
  const { sites } = pool;
  say(`latency: ${standing} instances at each of ${sites.length} sites`);
  for (const [index, site] of sites.entries()) {
    for (let number = 0; number < standing; number += 1) {
      const id = await site.register({
        ...{ name: `standing-${number % 20}`, host: `10.${200 + index}.0.${number + 1}` },
        ...{ port: 8_080, properties: {}, leaseSeconds: 3_600 },
      });
      // Nobody renews it: a registry should have nothing to do but what is measured.
      site.natives.abandon(id);
    }
  }
  await poll(async () => {
    const copies = await Promise.all(sites.map(copiesAt));
    return copies.every((each) => each === standing * (sites.length - 1)) ? true : undefined;
  }, seenLimitMs);
  const measured = new Map<string, Seen>();
  for (const [index, origin] of sites.entries()) {
    say(`latency: from ${origin.kind}`);
    measured.set(origin.kind, await measureFrom(origin, index, sites, context));
    signal.throwIfAborted();
  }
  const own = (kind: string) => allOf(measured.get(kind)?.get(kind));
  const pairs = sites.flatMap(({ kind: from }) =>
    sites
      .filter(({ kind }) => kind !== from)
      .map(({ kind: to }) => {
        const times = measured.get(from)?.get(to);
        const all = distribution(allOf(times));
        const registries = distribution(own(from)).p50 + distribution(own(to)).p50;
        return {
          ...{ from, to, milliseconds: all },
          ...Object.fromEntries([...(times ?? [])].map(([how, ms]) => [how, distribution(ms)])),
          registriesOwnMs: round(registries),
          ourShareMs: round(all.p50 - registries),
        };
      }),
  );
  return {
    pairs,
    registriesOwn: Object.fromEntries(
      sites.map(({ kind }) => [kind, { milliseconds: distribution(own(kind)) }]),
    ),
    goals: pairs.map(({ from, to, ourShareMs }) =>
      goal(`kinds: ${from} → ${to}, our share at p50, ms`, { atMost: goalMs }, ourShareMs),
    ),
  };
}

async function measureFrom(
  origin: KindSite,
  index: number,
  sites: readonly KindSite[],
  context: BenchContext,
): Promise<Seen> {
  const seen: Seen = new Map(
    sites.map(({ kind }) => [kind, new Map(changes.map((each) => [each, []]))]),
  );
  const count = context.quick ? samples.quick : samples.full;
  const ids: string[] = [];
  for (const how of changes) {
    for (let number = 0; number < count; number += 1) {
      context.signal.throwIfAborted();
      // No change falls in step with a reading round, and none on an instance written just now.
      await wait(Math.random() * longestPauseMs + (how === 'register' ? 0 : apartMs / count));
      const mark = `${origin.kind}-${number}`;
      const name = `sample-${origin.kind}-${number % 5}`;
      const wanted = { name, app: origin.kind === 'servicecenter' ? 'shop' : 'default' };
      const sentMs = performance.now();
      const write = async (): Promise<void> => {
        const id = ids[number] ?? '';
        switch (how) {
          case 'register':
            ids[number] = await origin.register({
              ...{ name, host: `10.${100 + index}.0.${number + 1}` },
              ...{ port: 8_080, properties: { mark } },
            });
            return;
          case 'change':
            return origin.natives.change(id, { mark, changed: 'yes' });
          case 'remove':
            return origin.natives.remove(id);
        }
      };
      await Promise.all([
        write(),
        ...sites.map(async (site) => {
          const atMs = await seenAt(site, wanted, (found) => shows(how, mark, found)).catch(
            (cause: unknown) => {
              throw new Error(`${how} of ${mark} was never seen at ${site.kind}`, { cause });
            },
          );
          seen
            .get(site.kind)
            ?.get(how)
            ?.push(atMs - sentMs);
        }),
      ]);
    }
  }
  return seen;
}

/** When the registry first showed it. */
async function seenAt(
  site: KindSite,
  wanted: Wanted,
  look: (found: readonly Texts[]) => boolean,
): Promise<number> {
  return poll(
    async () => (look(await ask(site, wanted)) ? performance.now() : undefined),
    seenLimitMs,
    lookMs,
  );
}

function shows(how: Change, mark: string, found: readonly Texts[]): boolean {
  const properties = found.find((each) => each.mark === mark);
  switch (how) {
    case 'register':
      return properties !== undefined;
    case 'change':
      return properties?.changed === 'yes';
    case 'remove':
      return properties === undefined;
  }
}

function allOf(times: ReadonlyMap<Change, readonly number[]> | undefined): readonly number[] {
  return [...(times?.values() ?? [])].flat();
}
