// The first import of 10,000 instances into an empty registry of each kind; the limit, in the same run: a
// bare loader that sends the same content to another one.

import { startGeneratedPeer } from '../generated-peer.ts';
import { poll } from '../../support/poll.ts';
import { goal, type BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { memoryMb, processorMs } from '../process-load.ts';
import { distribution, round } from '../statistics.ts';
import type { KindAtHand } from './kinds-at-hand.ts';
import { load, readLoad, type Load } from './loaders.ts';

const services = 500;
const sizes = { full: 20, quick: 2 };
const limitMs = 600_000;
const lookMs = 100;
const listedLimitMs = 60_000;

/** Measures one kind. */
export async function measureImport(context: BenchContext, kind: KindAtHand) {
  const perService = context.quick ? sizes.quick : sizes.full;
  const instances = services * perService;
  const imported = await importByDaemon(context, kind, perService);
  const concurrency = Math.max(1, Math.round(imported.inFlight.p50));
  context.say(`import into ${kind.kind}: bare loader, ${concurrency} at once`);
  const bareSeconds = await loadBare(kind, imported.content, concurrency);
  const share = bareSeconds / imported.seconds;
  return {
    ...{ kind: kind.kind, services, instances },
    daemon: {
      seconds: round(imported.seconds, 2),
      instancesPerSecond: Math.round(instances / imported.seconds),
      inFlight: imported.inFlight,
      cores: imported.cores,
      rssPeakMb: imported.rssPeakMb,
    },
    bareLoader: {
      concurrency,
      seconds: round(bareSeconds, 2),
      instancesPerSecond: Math.round(instances / bareSeconds),
    },
    shareOfBareLoader: round(share, 3),
    goals: [
      goal(
        `kinds: import into ${kind.kind}, part of the bare loader`,
        { atLeast: 0.95 },
        round(share, 3),
        !context.quick,
      ),
    ],
  };
}

async function importByDaemon(context: BenchContext, kind: KindAtHand, perService: number) {
  await using stack = new AsyncDisposableStack();
  const site = await kind.start();
  stack.defer(() => site.close());
  const order = { cluster: 'far', services, instancesPerService: perService };
  const peer = stack.use(await startGeneratedPeer(order));
  const options = { cluster: 'near', registries: [site.address], flags: site.flags };
  const daemon = stack.use(await startMeasuredDaemon(context, { ...options, join: [peer.gossip] }));
  const { pid } = daemon.daemon;
  const startCpuMs = processorMs(pid);
  const inFlight: number[] = [];
  let startMs: number | undefined;
  let saidMs = 0;
  await daemon.until(
    ({ figures, peers }) => {
      const found = peers?.peers[0];
      const copies = found?.copies ?? 0;
      // From the first write that was seen under way: finding the peer is no part of an import.
      if (startMs === undefined && ((figures?.queueInFlight ?? 0) > 0 || copies > 0)) {
        startMs = performance.now();
      }
      if (startMs === undefined) return undefined;
      inFlight.push(figures?.queueInFlight ?? 0);
      if (performance.now() - saidMs > 5_000) {
        saidMs = performance.now();
        context.say(`import into ${kind.kind}: ${copies} of ${peer.instances}`);
      }
      return copies === peer.instances && found?.pending === 0 ? true : undefined;
    },
    limitMs,
    lookMs,
  );
  const seconds = (performance.now() - (startMs ?? 0)) / 1_000;
  const content = await poll(async () => {
    const found = await readLoad(kind.kind, site.url);
    // Lists of a Nacos follow writes.
    if (found.instances === peer.instances) return found;
    throw new Error(`${kind.kind} lists ${found.instances} copies, not ${peer.instances}`);
  }, listedLimitMs);
  return {
    seconds,
    content,
    inFlight: distribution(inFlight),
    cores: round((processorMs(pid) - startCpuMs) / 1_000 / seconds, 2),
    rssPeakMb: round(memoryMb(pid).peak),
  };
}

async function loadBare(kind: KindAtHand, content: Load, concurrency: number): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const site = await kind.start();
  stack.defer(() => site.close());
  const startMs = performance.now();
  await load(site.url, content, concurrency);
  return (performance.now() - startMs) / 1_000;
}
