// Bench: pages of a list of 150,000 instances, as the command line and the window ask for them, from
// a real daemon over its control API. The limit: the same call for a list of nothing.

import type { ListInstancesRequest } from '../../../proto/gen/syncer/control/v1/control.ts';
import { startLoad } from '../../../daemon/lab/load.ts';
import { startRegistry } from '../../support/registry.ts';
import { goal, type BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { memoryMb } from '../process-load.ts';
import { distribution, round } from '../statistics.ts';

const services = 500;
const sizes = { full: 300, quick: 100 };
const repeats = 7;
const goalMs = 50;
const readLimitMs = 120_000;

type Wish = Partial<Omit<ListInstancesRequest, 'page'>> & {
  readonly offset?: number;
  readonly sortBy?: string;
  readonly descending?: boolean;
};

const wishes: Readonly<Record<string, Wish>> = {
  'first page': {},
  'page in the middle': { offset: 75_000 },
  'last page': { offset: 149_800 },
  'by endpoint': { sortBy: 'endpoint' },
  'by age, downwards': { sortBy: 'since', descending: true },
  'by status, in the middle': { sortBy: 'status', offset: 75_000 },
  'one cluster': { cluster: 'beijing' },
  'text that many hold': { text: 'orders' },
  'text that one holds': { text: 'host-777' },
  'text that none holds': { text: 'nothing-like-this' },
};

/** Runs the bench: about a minute and a half, half a minute if quick (50,000 instances). */
export async function runPagingBench(context: BenchContext): Promise<object> {
  const { quick, say } = context;
  const instancesPerService = quick ? sizes.quick : sizes.full;
  const instances = services * instancesPerService;
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry('lab');
  stack.defer(() => registry.close());
  say(`registering ${instances} instances`);
  const load = await startLoad(registry.url, {
    services,
    instancesPerService,
    fullShare: 0,
    heartbeatSeconds: 600,
  });
  stack.defer(() => load.stop());
  const daemon = stack.use(
    await startMeasuredDaemon(context, { cluster: 'beijing', registries: [registry.url] }),
  );
  await daemon.until(
    ({ figures }) => (figures?.nativeInstances === instances ? true : undefined),
    readLimitMs,
  );
  const page = async ({ offset, sortBy, descending, ...filter }: Wish, limit: number) => {
    const startMs = performance.now();
    const answer = await daemon.control.call('listInstances', {
      text: '',
      cluster: '',
      state: '',
      ...filter,
      page: {
        offset: Math.min(offset ?? 0, instances - 1),
        limit,
        sortBy: sortBy ?? '',
        descending: descending ?? false,
      },
    });
    return { elapsedMs: performance.now() - startMs, total: answer.total };
  };

  const pages: Record<string, { firstMs: number; total: number; p50: number; worst: number }> = {};
  for (const [name, wish] of Object.entries(wishes)) {
    say(name);
    const first = await page(wish, 200);
    const again: number[] = [];
    for (let count = 0; count < repeats; count++) again.push((await page(wish, 200)).elapsedMs);
    const { p50, worst } = distribution(again);
    pages[name] = { firstMs: round(first.elapsedMs), total: first.total, p50, worst };
  }
  const nothing: number[] = [];
  for (let count = 0; count < repeats; count++) {
    nothing.push((await page({ cluster: 'no-such-cluster' }, 1)).elapsedMs);
  }
  const worstP50 = Math.max(...Object.values(pages).map(({ p50 }) => p50));
  return {
    registry: 'lab',
    quick,
    instances,
    rowsPerPage: 200,
    pages,
    limitMs: distribution(nothing),
    rssMb: round(memoryMb(daemon.daemon.pid).rss),
    goals: [
      goal('paging: p50 of the slowest kind of page, ms', { atMost: goalMs }, worstP50, !quick),
    ],
  };
}
