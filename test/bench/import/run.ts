// Bench: the first import of 30,000 instances into a registry (a real ServiceCenter where there is
// one), with the ETA that the daemon shows meanwhile; the limit, in the same run: a bare loader that
// sends the same bodies to a new registry with the concurrency that the daemon had.

import { memoryUsage } from 'node:process';
import { startRegistry } from '../../support/registry.ts';
import { benchRegistryKind, goal, type BenchContext } from '../bench.ts';
import { startGeneratedPeer } from '../generated-peer.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { memoryMb, processorMs } from '../process-load.ts';
import { distribution, round } from '../statistics.ts';
import { loadBodies, readBodies, type Bodies } from './bare-loader.ts';

const services = 500;
const sizes = { full: 60, quick: 10 };
const limitMs = 300_000;
const lookMs = 200;

interface Look {
  readonly atMs: number;
  readonly left: number;
  readonly inFlight: number;
  readonly etaMs: number | undefined;
}

/** Runs the bench: about two minutes, half a minute if quick (which imports 5,000). */
export async function runImportBench(context: BenchContext): Promise<object> {
  const kind = benchRegistryKind();
  const instancesPerService = context.quick ? sizes.quick : sizes.full;
  const instances = services * instancesPerService;
  const imported = await importByDaemon(context, instancesPerService);
  const concurrency = Math.max(1, Math.round(imported.inFlight.p50));
  const bare = await loadBare(context, imported.bodies, concurrency);
  const daemonPerSecond = instances / imported.seconds;
  const barePerSecond = instances / bare.seconds;
  const share = daemonPerSecond / barePerSecond;
  return {
    registry: kind,
    quick: context.quick,
    services,
    instances,
    daemon: {
      seconds: round(imported.seconds, 2),
      instancesPerSecond: Math.round(daemonPerSecond),
      inFlight: imported.inFlight,
      cores: imported.cores,
      rssPeakMb: imported.rssPeakMb,
      millisecondsToAnswer: imported.answers,
    },
    eta: imported.eta,
    bareLoader: {
      concurrency,
      seconds: round(bare.seconds, 2),
      instancesPerSecond: Math.round(barePerSecond),
      cores: bare.cores,
      rssMb: bare.rssMb,
    },
    shareOfBareLoader: round(share, 3),
    goals: [
      goal('import: part of the bare loader', { atLeast: 0.95 }, round(share, 3), !context.quick),
      goal('import: part of the looks that showed an ETA', { atLeast: 0.9 }, imported.eta.shown),
    ],
  };
}

async function importByDaemon(context: BenchContext, instancesPerService: number) {
  const { say } = context;
  const instances = services * instancesPerService;
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry(benchRegistryKind());
  stack.defer(() => registry.close());
  const peer = stack.use(
    await startGeneratedPeer({ cluster: 'shanghai', services, instancesPerService }),
  );
  const daemon = stack.use(
    await startMeasuredDaemon(context, {
      cluster: 'beijing',
      registries: [registry.url],
      join: [peer.gossip],
    }),
  );
  const { pid } = daemon.daemon;
  const startCpuMs = processorMs(pid);
  const stopWatching = daemon.watchAnswers();
  const looks: Look[] = [];
  let startMs: number | undefined;
  let saidMs = 0;
  await daemon.until(
    ({ figures, peers }) => {
      const atMs = performance.now();
      const found = peers?.peers[0];
      const inFlight = figures?.queueInFlight ?? 0;
      const copies = found?.copies ?? 0;
      // From the first write that was seen under way: finding the peer is no part of an import.
      if (startMs === undefined && (inFlight > 0 || copies > 0)) startMs = atMs;
      if (startMs === undefined) return undefined;
      looks.push({ atMs, left: instances - copies, inFlight, etaMs: figures?.etaMs });
      if (atMs - saidMs > 2_000) {
        say(`daemon: ${copies} of ${instances}, ETA ${figures?.etaMs ?? 'unknown'} ms`);
        saidMs = atMs;
      }
      return copies === instances && found?.pending === 0 ? true : undefined;
    },
    limitMs,
    lookMs,
  );
  const endMs = performance.now();
  const answers = await stopWatching();
  const seconds = (endMs - (startMs ?? endMs)) / 1000;
  const bodies = await readBodies(registry.url);
  if (bodies.instances.length !== instances) {
    throw new Error(`the registry holds ${bodies.instances.length} copies, not ${instances}`);
  }
  return {
    seconds,
    bodies,
    inFlight: distribution(looks.map(({ inFlight }) => inFlight)),
    cores: round((processorMs(pid) - startCpuMs) / 1000 / seconds, 2),
    rssPeakMb: round(memoryMb(pid).peak),
    answers,
    eta: judgeEta(looks, endMs),
  };
}

/** How often an ETA was shown, and how far it was from what came to be, at parts of the way. */
function judgeEta(looks: readonly Look[], endMs: number) {
  // Half a second before the end there is nothing worth telling.
  const open = looks.filter(({ left, atMs }) => left > 0 && endMs - atMs > 500);
  const shown = open.filter(({ etaMs }) => etaMs !== undefined).length / Math.max(1, open.length);
  const total = looks[0]?.left ?? 0;
  const at = (share: number): object | undefined => {
    const look = open.find(({ left }) => left <= total * (1 - share));
    if (look?.etaMs === undefined) return undefined;
    const came = endMs - look.atMs;
    return {
      donePart: share,
      saidSeconds: round(look.etaMs / 1000),
      cameSeconds: round(came / 1000),
    };
  };
  const errors = open
    .filter(({ etaMs }) => etaMs !== undefined)
    .map(({ etaMs = 0, atMs }) => Math.abs(etaMs - (endMs - atMs)) / (endMs - atMs));
  return {
    shown: round(shown, 3),
    /** |said − came| ÷ came, over all looks. */
    relativeError: distribution(errors.map((error) => error * 100)),
    relativeErrorUnit: 'percent',
    along: [0.1, 0.25, 0.5, 0.75].map(at),
  };
}

async function loadBare({ say, signal }: BenchContext, bodies: Bodies, concurrency: number) {
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry(benchRegistryKind());
  stack.defer(() => registry.close());
  say(`bare loader: ${bodies.instances.length} instances, ${concurrency} at once`);
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  await loadBodies(registry.url, bodies, concurrency, signal);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(startCpu);
  return {
    seconds,
    cores: round((user + system) / 1e6 / seconds, 2),
    rssMb: round(memoryUsage().rss / 2 ** 20),
  };
}
