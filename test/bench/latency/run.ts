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
/**
 * An instance is left alone for so long between two changes: a syncer writes an instance at most once
 * a second (daemon/sync/write-queue.ts), and a change that falls into that second waits for its end.
 */
const apartMs = 1_200;
const importLimitMs = 400_000;
const proofLimitMs = 60_000;
const prefix = 'bench';
/** So that no sample has the endpoints of another instance, which would be a conflict. */
const addressOffset = 1_000_000;

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
  const changedMs = new Map<string, number>();
  const measured = new AbortController();
  const costs = Promise.all(
    [beijing, shanghai].map(({ daemon }) => costUntil(daemon.pid, measured.signal)),
  );
  try {
    await Promise.all(
      Array.from({ length: lanes }, async (_none, lane) => {
        // Each sample in another service: its registration is the first change there for a long time.
        const samples = await Promise.all(
          Array.from({ length: count }, async (_nothing, of) => {
            const { service } = makeService((lane + of * lanes) % services, prefix, false);
            const serviceId = await client.createService({ service });
            return sampleOf(lane, of, service, serviceId);
          }),
        );
        // Four instances at once, each at another stage of its life.
        for (let number = 0; number < count + kinds.length - 1; number++) {
          for (const [stage, kind] of kinds.entries()) {
            const sample = samples[number - stage];
            if (sample !== undefined) await change(kind, sample);
          }
        }
      }),
    );
  } finally {
    measured.abort();
    await costs;
  }

  /** Writes one change at home, and waits until it is seen here and there. */
  async function change(kind: Kind, sample: Sample): Promise<void> {
    const sinceMs = performance.now() - (changedMs.get(sample.instanceId) ?? -apartMs);
    await wait(Math.max(apartMs - sinceMs, Math.random() * longestPauseMs), undefined, { signal });
    const sentMs = performance.now();
    const seen = async (poll: FindPoll, samples: Map<Kind, number[]>): Promise<void> => {
      const seenMs = await poll.seenAt(sample.service, (found) => shows(kind, sample, found));
      samples.get(kind)?.push(seenMs - sentMs);
    };
    try {
      await Promise.all([
        write(client, kind, sample),
        seen(finds.here, own),
        seen(finds.there, ours),
      ]);
    } catch (error) {
      signal.throwIfAborted();
      const subject = sample.instanceId;
      const told = await Promise.all(
        [beijing, shanghai].map(({ control }) => control.call('explain', { subject })),
      );
      const verdicts = told.map(({ verdict }) => JSON.stringify(verdict)).join('; ');
      throw new Error(`${kind} of ${subject}: ${verdicts}`, { cause: error });
    }
    changedMs.set(sample.instanceId, performance.now());
  }

  const all = distribution([...ours.values()].flat());
  // Both sides must also have proven that they hold the same, or the figures are of something else.
  await shanghai.until(
    ({ peers }) => (peers?.peers[0]?.provenEqualMs === undefined ? undefined : true),
    proofLimitMs,
  );
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

interface Sample {
  readonly service: WatchedService;
  readonly serviceId: string;
  readonly instanceId: string;
  /** The property by which it is known on both sides; ids differ. */
  readonly mark: string;
  readonly number: number;
}

function sampleOf(lane: number, of: number, service: WatchedService, serviceId: string): Sample {
  const mark = `${lane}-${of}`;
  const number = addressOffset + lane * 1_000 + of;
  return { service, serviceId, instanceId: `${prefix}-sample-${mark}`, mark, number };
}

async function write(client: LoadClient, kind: Kind, sample: Sample): Promise<void> {
  const { serviceId, instanceId, mark, number } = sample;
  switch (kind) {
    case 'register': {
      const instance = makeInstance(instanceId, number, 30, systemRandom);
      return client.register(serviceId, { ...instance, properties: { mark } });
    }
    case 'status':
      return client.setStatus(sample, 'DOWN');
    case 'properties':
      return client.setProperties(sample, { mark, changed: 'yes' });
    case 'removal':
      return client.unregister(sample);
  }
}

/** Whether a find shows what `write` wrote. */
function shows(kind: Kind, { mark }: Sample, found: readonly SeenInstance[]): boolean {
  const instance = found.find(({ properties }) => properties.mark === mark);
  switch (kind) {
    case 'register':
      return instance !== undefined;
    case 'status':
      return instance?.status === 'DOWN';
    case 'properties':
      return instance?.properties.changed === 'yes';
    case 'removal':
      return instance === undefined;
  }
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
