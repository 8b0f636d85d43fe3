// Bench: a change in one registry → readable in the other real registry, through two daemons; the
// limit, in the same run and for the same changes, is the registry's own write → find.

import { setTimeout as wait } from 'node:timers/promises';
import { LoadClient } from '../../../daemon/lab/load-client.ts';
import { makeInstance, makeService } from '../../../daemon/lab/load-content.ts';
import { startLoad } from '../../../daemon/lab/load.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { startRegistry } from '../../support/registry.ts';
import { benchRegistryKind, goal, type BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { processLoad } from '../process-load.ts';
import { distribution, round } from '../statistics.ts';
import { FindPoll, type SeenInstance, type WatchedService } from './find-poll.ts';

interface Size {
  readonly services: number;
  readonly goalMs: { readonly p50: number; readonly p99: number };
}

const sizes: readonly Size[] = [
  { services: 500, goalMs: { p50: 150, p99: 500 } },
  { services: 5_000, goalMs: { p50: 400, p99: 1_000 } },
];
const instancesPerService = 2;
/** Changes under way at once, each in a service of its own. */
const lanes = 3;
const rounds = { full: 40, quick: 12 };
/** Between two changes of a lane, at random, so that no change falls in step with a poll. */
const longestPauseMs = 400;
const importLimitMs = 400_000;
const prefix = 'bench';

const kinds = ['register', 'status', 'properties', 'removal'] as const;
type Kind = (typeof kinds)[number];

/** Runs the bench: about three minutes, half a minute if quick (which leaves 5,000 services out). */
export async function runLatencyBench(context: BenchContext): Promise<object> {
  const runs = [];
  for (const size of context.quick ? sizes.slice(0, 1) : sizes) {
    runs.push(await measure(size, context));
  }
  return {
    registry: benchRegistryKind(),
    method:
      'write sent at one registry → a find at the other answers with it; a find with the last ' +
      'revision every 10 ms, which is 304 without a body while nothing has changed',
    quick: context.quick,
    runs,
    goals: runs.flatMap(({ goals }) => goals),
  };
}

async function measure({ services, goalMs }: Size, context: BenchContext) {
  const { signal, say } = context;
  const kind = benchRegistryKind();
  await using stack = new AsyncDisposableStack();
  const [here, there] = await Promise.all([startRegistry(kind), startRegistry(kind)]);
  stack.defer(() => here.close());
  stack.defer(() => there.close());
  say(`${services} services: registering them`);
  const load = await startLoad(here.url, { services, instancesPerService, prefix });
  stack.defer(() => load.stop());
  signal.throwIfAborted();

  const beijing = stack.use(
    await startMeasuredDaemon(context, { cluster: 'beijing', registries: [here.url] }),
  );
  const shanghai = stack.use(
    await startMeasuredDaemon(context, {
      cluster: 'shanghai',
      registries: [there.url],
      join: [beijing.daemon.gossip],
    }),
  );
  const expected = services * instancesPerService;
  const startMs = performance.now();
  await shanghai.until(
    ({ peers }) => {
      const peer = peers?.peers.find(({ cluster }) => cluster === 'beijing');
      say(`${services} services: ${peer?.copies ?? 0} of ${expected} copies`);
      return peer?.copies === expected && peer.pending === 0 ? true : undefined;
    },
    importLimitMs,
    1_000,
  );
  const importSeconds = round((performance.now() - startMs) / 1000);

  const finds = { here: new FindPoll(here.url, signal), there: new FindPoll(there.url, signal) };
  stack.defer(() => finds.here.close());
  stack.defer(() => finds.there.close());
  const client = new LoadClient(here.url, {
    domain: 'default',
    project: 'default',
    connections: lanes,
  });
  stack.defer(() => client.close());

  const count = context.quick ? rounds.quick : rounds.full;
  say(`${services} services: ${count * lanes * kinds.length} changes`);
  const ours = new Map<Kind, number[]>(kinds.map((each) => [each, []]));
  const own = new Map<Kind, number[]>(kinds.map((each) => [each, []]));
  const measured = new AbortController();
  const costs = Promise.all(
    [beijing, shanghai].map(({ daemon }) => costUntil(daemon.pid, measured.signal)),
  );
  try {
    await Promise.all(
      Array.from({ length: lanes }, async (_none, lane) => {
        const { service } = makeService(lane, prefix, false);
        const serviceId = await client.createService({ service });
        for (let number = 0; number < count; number++) {
          await changes({ lane, number, service, serviceId });
        }
      }),
    );
  } finally {
    measured.abort();
    await costs;
  }

  async function changes(at: {
    lane: number;
    number: number;
    service: WatchedService;
    serviceId: string;
  }): Promise<void> {
    const { service, serviceId } = at;
    const mark = `${at.lane}-${at.number}`;
    const pair = { serviceId, instanceId: `${prefix}-sample-${mark}` };
    const marked = (instances: readonly SeenInstance[]): SeenInstance | undefined =>
      instances.find(({ properties }) => properties.mark === mark);
    const one = async (
      kindOfChange: Kind,
      write: () => Promise<void>,
      looks: (instances: readonly SeenInstance[]) => boolean,
    ): Promise<void> => {
      await wait(Math.random() * longestPauseMs, undefined, { signal });
      const sentMs = performance.now();
      const seen = (poll: FindPoll, samples: Map<Kind, number[]>): Promise<void> =>
        poll
          .seenAt(service, looks)
          .then((seenMs) => void samples.get(kindOfChange)?.push(seenMs - sentMs));
      await Promise.all([write(), seen(finds.here, own), seen(finds.there, ours)]);
    };
    const instance = {
      ...makeInstance(pair.instanceId, at.lane * 1_000 + at.number, 30, systemRandom),
      properties: { mark, value: 'first' },
    };
    const { properties } = instance;
    await one(
      'register',
      () => client.register(serviceId, instance),
      (found) => marked(found) !== undefined,
    );
    await one(
      'status',
      () => client.setStatus(pair, 'DOWN'),
      (found) => marked(found)?.status === 'DOWN',
    );
    await one(
      'properties',
      () => client.setProperties(pair, { ...properties, value: 'second' }),
      (found) => marked(found)?.properties.value === 'second',
    );
    await one(
      'removal',
      () => client.unregister(pair),
      (found) => marked(found) === undefined,
    );
  }

  const all = distribution([...ours.values()].flat());
  const { peers, registry } = await shanghai.state();
  return {
    services,
    instances: expected,
    importSeconds,
    millisecondsToOther: { all, ...distributions(ours) },
    limitMillisecondsOwnFind: {
      all: distribution([...own.values()].flat()),
      ...distributions(own),
    },
    /** What the importing daemon itself says, from the origin's first sight on. */
    daemonSays: peers?.peers[0]?.lag,
    readingRound: { roundMs: registry?.roundMs, intervalMs: registry?.intervalMs },
    daemons: await costs,
    goals: [
      goal(`latency, ${services} services: p50 ms`, { atMost: goalMs.p50 }, all.p50),
      goal(`latency, ${services} services: p99 ms`, { atMost: goalMs.p99 }, all.p99),
    ],
  };
}

function distributions(samples: ReadonlyMap<Kind, readonly number[]>): object {
  return Object.fromEntries([...samples].map(([kind, values]) => [kind, distribution(values)]));
}

/** What a daemon costs while changes are measured, second by second until `signal` aborts. */
async function costUntil(
  pid: number,
  signal: AbortSignal,
): Promise<{ readonly cores: number; readonly rssWorstMb: number }> {
  const never = new AbortController().signal;
  const loads = [];
  do loads.push(await processLoad(pid, 1, never));
  while (!signal.aborted);
  const cores = loads.reduce((sum, load) => sum + load.cores, 0) / loads.length;
  return { cores: round(cores, 3), rssWorstMb: Math.max(...loads.map((load) => load.rssWorstMb)) };
}
