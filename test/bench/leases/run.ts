// Bench: 150,000 copies kept alive by one daemon beside a lab registry: at the shortest lease that
// the daemon gives (60 s, which `grace 30s` comes to) measured as it runs, and at a 10-minute lease;
// against single heartbeats, as SDKs send them, by a bare loop.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
import { goal, type BenchContext } from '../bench.ts';
import { startGeneratedPeer } from '../generated-peer.ts';
import { startMeasuredDaemon, type MeasuredDaemon } from '../measured-daemon.ts';
import { memoryMb, processLoad, processorMs } from '../process-load.ts';
import { round } from '../statistics.ts';
import type { LeaseCount } from './counting-lab.ts';

const services = 500;
const sizes = { full: 300, quick: 40 };
const importLimitMs = 600_000;
const peer = 'shanghai';
/** Below the shortest time between two renewals of one lease, so that the cycle is a steady one. */
const windowSeconds = 15;
/** After a start all leases are renewed within 30 s (daemon/sync/lease-keeper.ts). */
const startSpreadSeconds = 30;
/** SDKs renew once in 30 s (servicecenter-api.md §5, the default health check). */
const singleIntervalSeconds = 30;
const singleLoopMs = 5_000;
const singleConnections = 8;

/** Runs the bench: about five minutes, one and a half if quick (which takes 20,000 copies). */
export async function runLeasesBench(context: BenchContext): Promise<object> {
  const instancesPerService = context.quick ? sizes.quick : sizes.full;
  const copies = services * instancesPerService;
  const judged = !context.quick;
  await using generated = await startGeneratedPeer({
    cluster: peer,
    services,
    instancesPerService,
  });
  const short = await atShortLease(context, generated.gossip, copies);
  const long = await atLongLease(context, generated.gossip, copies);
  return {
    registry: 'lab',
    quick: context.quick,
    copies,
    shortLease: short,
    longLease: long,
    goals: [
      goal('leases, 10 min: cores', { atMost: 0.3 }, long.coresAtTenMinutes, judged),
      goal('leases, 10 min: MB resident', { atMost: 512 }, long.steady.rssWorstMb, judged),
      goal('leases, shortest: cores', { atMost: 1 }, short.steady.cores, judged),
      goal(
        'leases, shortest: part of the processor time of single heartbeats, for each renewal',
        { atMost: 1 },
        short.millisecondsPerRenewal / short.singleHeartbeats.millisecondsEach,
        judged,
      ),
    ],
  };
}

/** Steady state at a 60-second lease: every copy is renewed each 20 s. */
async function atShortLease(context: BenchContext, gossip: string, copies: number) {
  const { signal, say } = context;
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await startCountingLab());
  const config = stack.use(await configFile('grace 30s'));
  const daemon = stack.use(await importing(context, lab.url, gossip, ['--config', config.path]));
  const imported = await imports(context, daemon, copies, 'lease 60 s');
  // A whole cycle goes by, so that renewals are spread as they stay.
  await wait(20_000, undefined, { signal });
  say(`lease 60 s: measuring for ${windowSeconds} s`);
  const before = await lab.count();
  const steady = await processLoad(daemon.daemon.pid, windowSeconds, signal);
  const after = await lab.count();
  const renewals = after.renewals - before.renewals;
  const { figures } = await daemon.state();
  say('single heartbeats by a bare loop');
  const singleHeartbeats = await heartbeatsByBareLoop(lab.url, copies);
  return {
    leaseSeconds: 60,
    imported,
    steady,
    renewalsPerSecond: Math.round(renewals / steady.seconds),
    /** All of the daemon's work in it: reading the registry, the pool, the peer. */
    millisecondsPerRenewal: round((steady.cores * steady.seconds * 1000) / renewals, 4),
    alive: after.alive,
    inTimeShare: figures?.leasesInTimeShare,
    singleHeartbeats,
  };
}

/**
 * A 10-minute lease is renewed each 200 s, too long to wait for here. Measured are its two parts: a
 * restarted daemon renews all within half a minute, and then nothing for a while. Put together by
 * the rate: quiet + 150,000 / 200 s × the cost of one renewal.
 */
async function atLongLease(context: BenchContext, gossip: string, copies: number) {
  const { signal, say } = context;
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await startCountingLab());
  const dataDir = await mkdtemp(join(tmpdir(), 'syncer-bench-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  let imported;
  {
    await using first = await importing(context, lab.url, gossip, [], dataDir);
    imported = await imports(context, first, copies, 'lease 10 min');
  }
  say('lease 10 min: starting the daemon again');
  const startMs = performance.now();
  const daemon = stack.use(await importing(context, lab.url, gossip, [], dataDir));
  await daemon.until(
    ({ figures }) => (figures?.leasesKept === copies ? true : undefined),
    importLimitMs,
  );
  const restartSeconds = round((performance.now() - startMs) / 1000);
  const before = await lab.count();
  say('lease 10 min: all renewed within half a minute');
  const burst = await processLoad(daemon.daemon.pid, startSpreadSeconds + 5, signal);
  const between = await lab.count();
  say(`lease 10 min: measuring for ${windowSeconds} s`);
  const steady = await processLoad(daemon.daemon.pid, windowSeconds, signal);
  const after = await lab.count();
  const renewals = between.renewals - before.renewals;
  const millisecondsPerRenewal = ((burst.cores - steady.cores) * burst.seconds * 1000) / renewals;
  const perSecond = copies / 200;
  return {
    leaseSeconds: 600,
    imported,
    restart: { secondsUntilAllKept: restartSeconds, renewals, load: burst },
    steady,
    renewalsMeanwhile: after.renewals - between.renewals,
    alive: after.alive,
    /** Of one renewal alone, in batches. */
    millisecondsPerRenewal: round(millisecondsPerRenewal, 4),
    renewalsPerSecondAtTenMinutes: perSecond,
    /** Put together from the two, as said above. */
    coresAtTenMinutes: round(
      steady.cores + (perSecond * Math.max(0, millisecondsPerRenewal)) / 1000,
      3,
    ),
  };
}

function importing(
  context: BenchContext,
  url: string,
  gossip: string,
  flags: readonly string[],
  dataDir?: string,
): Promise<MeasuredDaemon> {
  return startMeasuredDaemon(context, {
    cluster: 'beijing',
    registries: [url],
    join: [gossip],
    flags,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
}

/** Waits for the first import; its pace, and what it takes of memory and of the event loop. */
async function imports(
  { say }: BenchContext,
  daemon: MeasuredDaemon,
  copies: number,
  what: string,
): Promise<object> {
  const startMs = performance.now();
  const startCpuMs = processorMs(daemon.daemon.pid);
  const stopWatching = daemon.watchAnswers();
  await daemon.until(
    ({ peers, figures }) => {
      const found = peers?.peers.find(({ cluster }) => cluster === peer);
      say(`${what}: ${found?.copies ?? 0} of ${copies} copies, ETA ${eta(figures?.etaMs)}`);
      return found?.copies === copies && found.pending === 0 ? true : undefined;
    },
    importLimitMs,
    2_000,
  );
  const seconds = (performance.now() - startMs) / 1000;
  return {
    seconds: round(seconds),
    perSecond: Math.round(copies / seconds),
    cores: round((processorMs(daemon.daemon.pid) - startCpuMs) / 1000 / seconds, 2),
    rssPeakMb: round(memoryMb(daemon.daemon.pid).peak),
    millisecondsToAnswer: await stopWatching(),
  };
}

function eta(ms: number | undefined): string {
  return ms === undefined ? 'unknown' : `${Math.round(ms / 1000)} s`;
}

/** One heartbeat a call, as SDKs send them: the rate that a loop reaches, and what each takes of it. */
async function heartbeatsByBareLoop(url: string, copies: number) {
  const pool = new Pool(url, { connections: singleConnections });
  try {
    const list = await pool.request({
      method: 'GET',
      path: '/v4/default/registry/microservices',
      headers: { 'x-domain-name': 'default' },
    });
    const { services: listed } = (await list.body.json()) as { services: { serviceId: string }[] };
    const first = listed[0]?.serviceId ?? '';
    const found = await pool.request({
      method: 'GET',
      path: `/v4/default/registry/microservices/${first}/instances`,
      headers: { 'x-domain-name': 'default' },
    });
    const { instances } = (await found.body.json()) as { instances: { instanceId: string }[] };
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    let sent = 0;
    const loop = async (): Promise<void> => {
      while (performance.now() - startMs < singleLoopMs) {
        const { instanceId } = instances[sent % instances.length] ?? { instanceId: '' };
        sent += 1;
        const answer = await pool.request({
          method: 'PUT',
          path: `/v4/default/registry/microservices/${first}/instances/${instanceId}/heartbeat`,
          headers: { 'x-domain-name': 'default' },
        });
        await answer.body.dump();
        if (answer.statusCode !== 200) throw new Error(`heartbeat: ${answer.statusCode}`);
      }
    };
    await Promise.all(Array.from({ length: singleConnections }, loop));
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(startCpu);
    const millisecondsEach = (user + system) / 1000 / sent;
    const neededPerSecond = copies / singleIntervalSeconds;
    return {
      perSecond: Math.round(sent / seconds),
      cores: round((user + system) / 1e6 / seconds, 2),
      millisecondsEach: round(millisecondsEach, 4),
      neededPerSecond: Math.round(neededPerSecond),
      /** From the measured cost of one and the rate that is needed; not run at that rate. */
      coresExtrapolated: round((millisecondsEach * neededPerSecond) / 1000, 3),
    };
  } finally {
    await pool.destroy();
  }
}

async function startCountingLab() {
  const child = fork(new URL('./counting-lab.ts', import.meta.url));
  const exited = once(child, 'exit');
  const [url] = (await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('the lab did not start'))),
  ])) as [string];
  return {
    url,
    async count(): Promise<LeaseCount> {
      const answer = once(child, 'message') as Promise<[LeaseCount]>;
      child.send('count');
      return (await answer)[0];
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function configFile(absence: string) {
  const directory = await mkdtemp(join(tmpdir(), 'syncer-bench-'));
  const path = join(directory, 'syncer.yaml');
  await writeFile(path, `rules:\n  absence: ${absence}\n`);
  return {
    path,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
