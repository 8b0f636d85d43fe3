// Bench: how long a site of three is without a writer when its leader is killed, and when it stops
// gracefully. Seen from outside: an instance is registered at another site at that very moment, and the
// time runs until the site's own registry has its copy. The limit: the same with nobody killed.

import { performance } from 'node:perf_hooks';
import { startDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { startApplications } from '../../support/application.ts';
import { readRegistry } from '../../support/checker/read-registry.ts';
import { startRegistry } from '../../support/registry.ts';
import { hasLeader, isWhole, prepareSites } from '../../support/replica-sites.ts';
import { goal, type BenchContext } from '../bench.ts';
import { distribution } from '../statistics.ts';

const rounds = { full: 25, quick: 4 };
/** The registry is asked so often: the resolution, which counts against us. */
const lookMs = 10;

/** Runs the bench: about ten minutes, two if quick. Needs `etcd`; the registries are labs. */
export async function runFailoverBench({ quick, signal, say }: BenchContext): Promise<object> {
  const count = quick ? rounds.quick : rounds.full;
  await using stack = new AsyncDisposableStack();
  const guide = await prepareSites(['beijing']);
  stack.defer(() => guide.stop());
  const site = guide.sites[0];
  if (site === undefined) throw new Error('there is no site');
  const registry = await startRegistry('lab');
  stack.defer(() => registry.close());
  const applications = startApplications(registry.url);
  stack.defer(() => {
    applications.stop();
  });
  for (const node of site.places.keys()) await guide.startReplica(site, node);
  const first = site.replicas.values().next().value;
  const far = await startDaemon({
    ...{ cluster: 'shanghai', registries: [registry.url], join: [first?.gossip ?? ''] },
    flags: ['--profile', 'local'],
  });
  stack.defer(async () => {
    await far.stop();
  });
  await isWhole(site);
  const service = await applications.service({ serviceName: 'measured' });

  /** Registers an instance far away; gives the time until the site has its copy. */
  const copied = async (): Promise<number> => {
    signal.throwIfAborted();
    const startMs = performance.now();
    const instanceId = await applications.instance(service);
    await poll(
      async () => {
        const { instances } = await readRegistry(site.registry.url);
        const has = instances.some(
          ({ properties }) => properties['syncer-origin-instance'] === instanceId,
        );
        return has ? true : undefined;
      },
      60_000,
      lookMs,
    );
    return performance.now() - startMs;
  };

  /** One leader ends; gives the time until its site writes again. Then it comes back. */
  const failover = async (how: NodeJS.Signals): Promise<number> => {
    const leader = await hasLeader(site);
    const daemon = site.replicas.get(leader);
    site.replicas.delete(leader);
    const startMs = performance.now();
    const ending = daemon?.stop(how);
    await copied();
    const tookMs = performance.now() - startMs;
    await ending;
    await guide.startReplica(site, leader);
    await isWhole(site);
    await hasLeader(site);
    await copied();
    return tookMs;
  };

  const [calm, killed, stopped]: [number[], number[], number[]] = [[], [], []];
  await copied();
  for (let round = 1; round <= count; round += 1) {
    calm.push(await copied());
    killed.push(await failover('SIGKILL'));
    stopped.push(await failover('SIGTERM'));
    say(`round ${round} of ${count}: ${Math.round(killed.at(-1) ?? 0)} ms after kill -9`);
  }
  const [quietly, byKill, byStop] = [calm, killed, stopped].map((samples) => distribution(samples));
  return {
    ...{ registry: 'lab', quick, resolutionMs: lookMs },
    copyMilliseconds: quietly,
    killMilliseconds: byKill,
    gracefulMilliseconds: byStop,
    goals: [
      goal('failover: ms after kill -9, median', { atMost: 2_000 }, byKill?.p50, !quick),
      goal('failover: ms after kill -9, worst', { atMost: 3_000 }, byKill?.worst, !quick),
      goal('failover: ms of a graceful hand-over, median', { atMost: 300 }, byStop?.p50, !quick),
    ],
  };
}
