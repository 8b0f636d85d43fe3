// What a daemon costs beside a registry of each kind that holds 50,000 instances of its own, when nothing
// changes.

import type { BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { processLoad } from '../process-load.ts';
import { round } from '../statistics.ts';
import type { KindAtHand } from './kinds-at-hand.ts';
import { load, madeUpLoad } from './loaders.ts';

const services = { full: 5_000, quick: 200 };
const perService = 10;
const loadConcurrency = 16;
const readLimitMs = 300_000;
const watchSeconds = { full: 30, quick: 10 };

/** Measures one kind. */
export async function measureStanding(context: BenchContext, kind: KindAtHand) {
  const { signal, say, quick } = context;
  await using stack = new AsyncDisposableStack();
  const site = await kind.start();
  stack.defer(() => site.close());
  const content = madeUpLoad(kind.kind, quick ? services.quick : services.full, perService);
  say(`standing at ${kind.kind}: registering ${content.instances}`);
  await load(site.url, content, loadConcurrency);
  signal.throwIfAborted();
  const startMs = performance.now();
  const options = { cluster: 'near', registries: [site.address], flags: site.flags };
  const daemon = stack.use(await startMeasuredDaemon(context, options));
  await daemon.until(
    ({ figures }) => (figures?.nativeInstances === content.instances ? true : undefined),
    readLimitMs,
    500,
  );
  const readSeconds = round((performance.now() - startMs) / 1_000);
  say(`standing at ${kind.kind}: watching`);
  const cost = await processLoad(
    daemon.daemon.pid,
    quick ? watchSeconds.quick : watchSeconds.full,
    signal,
  );
  const { registry } = await daemon.state();
  return {
    ...{ kind: kind.kind, instances: content.instances, readSeconds, cost },
    readingRound: { roundMs: registry?.roundMs, intervalMs: registry?.intervalMs },
  };
}
