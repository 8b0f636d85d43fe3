// The packaged application: made from bundles, checked file by file, started, and
// unpacked again from the Debian package that is made of it.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { makePackages } from '../../build/package/make.ts';
import { thisMachine } from '../../build/package/target.ts';
import { unpackedFolder } from '../../build/package/unpacked.ts';
import { checkDeb, debApplication, unpackDeb } from '../../build/package/verify/deb.ts';
import { checkFuses } from '../../build/package/verify/fuses.ts';
import { verifyPackage } from '../../build/package/verify/verify.ts';
import { buildBundles, root } from '../package/bundles.ts';
import { describeShell } from './stage.ts';

/** Copies of Electron and Node, 500 MB, on a busy disk. */
const makeTimeoutMs = 600_000;
const hasDpkg = existsSync('/usr/bin/dpkg-deb');

describeShell('the packaged application', () => {
  let folder = '';
  let version = '';
  let made: readonly string[] = [];

  beforeAll(async () => {
    const runtime = inject('runtime');
    if ('missing' in runtime) return;
    folder = await mkdtemp(path.join(tmpdir(), 'syncer-packages-'));
    version = (
      JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }
    ).version;
    // Of its own, below nothing that another test builds into.
    const bundles = path.join(folder, 'bundles');
    await buildBundles(bundles, { shell: true });
    made = await makePackages({
      root,
      bundles,
      output: folder,
      target: thisMachine(),
      forms: hasDpkg ? ['dir', 'deb'] : ['dir'],
      electronFolder: path.dirname(runtime.executable),
      quick: true,
      environment: process.env,
    });
  }, makeTimeoutMs);

  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }), makeTimeoutMs);

  it(
    'has every file and fuse, and its command line, its daemons and its window start',
    { timeout: makeTimeoutMs },
    async (context) => {
      const findings = await verifyPackage({
        folder: unpackedFolder(folder, thisMachine()),
        target: thisMachine(),
        version,
        environment: process.env,
      });
      expect(findings.filter(({ problem }) => problem !== undefined)).toEqual([]);
      const skipped = findings.flatMap((finding) => finding.skipped ?? []);
      context.skip(skipped.length > 0, skipped.join('; '));
      expect(findings).toHaveLength(5);
    },
  );

  it('would be refused with fuses that are not as asked', async () => {
    const runtime = inject('runtime');
    if ('missing' in runtime) throw new Error(runtime.missing);
    await expect(checkFuses(runtime.executable)).rejects.toThrow(/runAsNode/);
  });

  it(
    'is in the Debian package, with service, command, completions, manual and desktop entry',
    { timeout: makeTimeoutMs },
    async (context) => {
      context.skip(!hasDpkg, 'dpkg-deb is not installed');
      const file = made.find((name) => name.endsWith('.deb')) ?? 'no .deb was made';
      const system = path.join(folder, 'root');
      await unpackDeb(file, system);
      const skipped = await checkDeb(system, version);
      const findings = await verifyPackage({
        folder: path.join(system, debApplication),
        target: thisMachine(),
        version,
        environment: process.env,
      });
      expect(findings.filter(({ problem }) => problem !== undefined)).toEqual([]);
      context.skip(skipped.length > 0, skipped.join('; '));
      expect(findings).toHaveLength(5);
    },
  );
});
