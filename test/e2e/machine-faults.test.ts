// What a machine can do to a daemon: a full disk, a wrong clock.

import { execFileSync, spawnSync } from 'node:child_process';
import { statfs, writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/poll.ts';
import { busySites } from './faults.ts';
import type { Site } from './sites.ts';

describe('a machine in trouble', () => {
  it(
    'the disk is full: sync goes on, the log says so, and all is kept once there is room',
    { timeout: 240_000 },
    async (context) => {
      if (process.getuid?.() !== 0) context.skip('a small file system needs root');
      const disk = `/tmp/syncer-disk-${process.pid}`;
      execFileSync('mkdir', ['-p', disk]);
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], {
        encoding: 'utf8',
      });
      if (mounted.status !== 0)
        context.skip(`no file system can be mounted: ${mounted.stderr.trim()}`);
      onTestFinished(() => void spawnSync('umount', ['-l', disk]));

      const sites = await busySites('lab', (index) =>
        index === 0 ? { dataDir: join(disk, 'data') } : {},
      );
      const [here, there] = sites.all as [Site, Site];
      const filler = join(disk, 'filler');
      const { bavail, bsize } = await statfs(disk);
      // The last pages go, too: a write that needs a new page fails.
      await writeFile(filler, Buffer.alloc(bavail * bsize)).catch(() => undefined);
      const watched = await sites.watchNothingGoes();
      const serviceId = await there.applications.service({ serviceName: 'while-full' });
      for (let n = 0; n < 200; n += 1)
        await there.applications.instance(serviceId, { hostName: `w-${n}` });
      await sites.inSync(60_000);
      await poll(
        () =>
          here.daemon.log.find(
            ({ level, msg }) => ['warn', 'error'].includes(level) && /disk|full|written/i.test(msg),
          ),
        20_000,
      );
      await rm(filler);
      await watched.end();
      await here.daemon.stop('SIGKILL');
      await here.startAgain();
      await sites.inSync();
    },
  );

  it(
    'the clock of one site is ten minutes off: in sync, and the lag shown has the offset taken out',
    { timeout: 120_000 },
    async (context) => {
      const found = spawnSync('faketime', ['--version'], { encoding: 'utf8' });
      if (found.error !== undefined) {
        if (process.env.CI !== undefined)
          throw new Error('faketime is missing; .ci/run installs it');
        context.skip('faketime is not installed (Debian package faketime)');
      }
      const late = (command: readonly string[]): readonly string[] => [
        'faketime',
        '-f',
        '-10m',
        ...command,
      ];
      const sites = await busySites('lab', (index) =>
        index === 1 ? { wrap: late, env: { FAKETIME_DONT_FAKE_MONOTONIC: '1' } } : {},
      );
      const [here, there] = sites.all as [Site, Site];
      const watched = await sites.watchNothingGoes();
      for (const { applications, cluster } of [here, there]) {
        const serviceId = await applications.service({
          serviceName: 'clocked',
          appId: cluster,
        });
        await applications.instance(serviceId);
      }
      await sites.inSync();
      await watched.end();
      const lags = await poll(() => lagsOf(here, there), 60_000);
      for (const lag of lags) expect(lag).toBeLessThan(30_000);
    },
  );
});

/** Median lags that the two daemons have measured, or `undefined` while one has none. */
function lagsOf(...sites: readonly Site[]): readonly number[] | undefined {
  const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;
  const lags = sites.map(({ daemon }) => {
    const text = execFileSync(
      process.execPath,
      [entry, 'status', '--json', '--data-dir', daemon.dataDir],
      { encoding: 'utf8' },
    );
    const state = JSON.parse(text) as { peers: { peers: { lag: { p50Ms?: number } }[] } };
    return state.peers.peers[0]?.lag.p50Ms;
  });
  return lags.every((lag) => lag !== undefined) ? lags : undefined;
}
