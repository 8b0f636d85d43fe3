// `syncer driver test` on the drivers that come with the kit: the template keeps every promise as it is
// written, the worked example every one that a file can keep.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'vitest';
import { runSyncer } from './run-syncer.ts';

interface Summary {
  readonly kept: number;
  readonly broken: number;
  readonly inapplicable: number;
  readonly reports: { readonly html: string; readonly json: string };
  readonly results: readonly { readonly name: string; readonly outcome: string }[];
}

/** Promises wait for leases of 20 s: two minutes, all of it waiting, for the three of them together. */
const limitMs = 540_000;

type OnFinished = TestContext['onTestFinished'];

async function scratch(onTestFinished: OnFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'driver-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function conform(
  folder: string,
  onTestFinished: OnFinished,
  only = '',
): Promise<Summary & { readonly page: string }> {
  const report = await scratch(onTestFinished);
  const { out } = await runSyncer([
    ...['driver', 'test', folder, '--report', report, '--only', only],
    '--json',
  ]);
  const summary = JSON.parse(out) as Summary;
  return { ...summary, page: await readFile(summary.reports.html, 'utf8') };
}

it.concurrent(
  'the template of a new driver keeps every promise',
  { timeout: limitMs },
  async ({ expect, onTestFinished }) => {
    const folder = join(await scratch(onTestFinished), 'my-driver');
    expect((await runSyncer(['driver', 'new', folder])).code).toBe(0);
    expect((await runSyncer(['driver', 'new', folder])).code).not.toBe(0);
    const { broken, kept, inapplicable, results } = await conform(folder, onTestFinished);
    expect(results.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
    expect({ broken, inapplicable }).toEqual({ broken: 0, inapplicable: 0 });
    expect(kept).toBeGreaterThan(50);
  },
);

it.concurrent(
  'the file driver keeps every promise that a file can',
  { timeout: limitMs },
  async ({ expect, onTestFinished }) => {
    const folder = join(import.meta.dirname, '../../examples/file-driver');
    const { broken, kept, results, page } = await conform(folder, onTestFinished);
    expect(results.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
    expect(broken).toBe(0);
    expect(kept).toBeGreaterThan(50);
    expect(
      results.flatMap(({ name, outcome }) => (outcome === 'inapplicable' ? [name] : [])),
    ).toEqual([
      'proves the end of a lease by a tombstone',
      'concludes nothing from a pause that ends leases, if their owners come back',
      'says "absence" of what a pause ended, one lease after it',
    ]);
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('File of endpoints');
  },
);

it.concurrent(
  'a broken promise is named, with its transcript',
  { timeout: limitMs },
  async ({ expect, onTestFinished }) => {
    const folder = join(import.meta.dirname, 'forgetful');
    const { broken, page, results } = await conform(
      folder,
      onTestFinished,
      'removes a copy; one that is gone',
    );
    expect(broken).toBe(1);
    expect(results).toMatchObject([{ outcome: 'broken' }]);
    expect(page).toContain('<details class="broken" open>');
    expect(page).toContain('removeInstance');
  },
);
