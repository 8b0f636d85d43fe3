// A daemon with a driver that breaks: it says so, and lives; one that cannot be loaded is named at the
// start, with the remedy.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startDaemon } from '../support/daemon.ts';
import { poll } from '../support/poll.ts';
import { runSyncer } from './run-syncer.ts';

const zoo = join(import.meta.dirname, '../driver-zoo/zoo');
const fileDriver = join(import.meta.dirname, '../../examples/file-driver/driver.ts');
/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 90_000;

it('lives with a driver that tells nonsense, and status names the fault', async () => {
  const daemon = await startDaemon({
    cluster: 'broken',
    registries: ['http://127.0.0.1:1'],
    flags: ['--sc-plugin', join(zoo, 'tells-garbage.ts')],
  });
  try {
    const said = await poll(async () => {
      const { out } = await runSyncer(['status', '--data-dir', daemon.dataDir]);
      // Lines are broken at the width of a terminal.
      const text = out.replaceAll(/\s+/g, ' ');
      return text.includes('garbage: what it tells has the wrong shape') ? text : undefined;
    }, limitMs);
    expect(said).toMatch(/faults so far: [1-9]/);
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
});

it.each([
  ['throws-at-load.ts', /no native library for this machine/],
  ['other-version.ts', /version 99 of the driver API/],
  ['no-such-driver.ts', /there is no file/],
])('does not start with %s, and says why', async (name, reason) => {
  const { code, out, errors } = await runSyncer([
    ...['config', 'check', '--sc-plugin', join(zoo, name)],
  ]);
  expect(code).toBe(78);
  expect((out + errors).replaceAll(/\s+/g, ' ')).toMatch(reason);
});

it('shows and checks the options of a driver as keys of the configuration', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'driver-options-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'syncer.yaml');
  const write = (options: string): Promise<void> =>
    writeFile(config, `registry:\n  kind: ${fileDriver}\n  options: ${options}\n`);

  await write('{ file: /srv/endpoints.yaml }');
  const shown = await runSyncer(['config', 'show', '--config', config, '--json']);
  const { entries } = JSON.parse(shown.out) as { entries: { key: string; value: unknown }[] };
  const options = entries.filter(({ key }) => key.startsWith('registry.options'));
  expect(options.map(({ key, value }) => [key, value])).toEqual([
    ['registry.options.file', '/srv/endpoints.yaml'],
    ['registry.options.copies', null],
    ['registry.options.everyMs', 1_000],
    ['registry.options.ownersWaitMs', 120_000],
  ]);

  await write('{ fiel: /srv/endpoints.yaml }');
  const checked = await runSyncer(['config', 'check', '--config', config, '--json']);
  expect(checked.code).toBe(78);
  expect(checked.out).toContain('registry.options.fiel');
  expect(checked.out).toContain('registry.options.file');
});
