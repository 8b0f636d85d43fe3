// The npm package as somebody uses it who has no desktop: packed, installed from the registry into an
// empty folder by the machine's own npm, and run without Electron.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBundles, root } from './bundles.ts';

const run = promisify(execFile);
const commandTimeoutMs = 240_000;
/** Two builds, and an install that fetches 60 MB. */
const setupTimeoutMs = 600_000;
/** Where packages come from could not be reached. */
const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/;

interface PackedFile {
  readonly path: string;
  readonly mode: number;
}

let folder = '';
let files: readonly PackedFile[] = [];
/** Why the package could not be installed. */
let missing: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'syncer-npm-'));
  const source = path.join(folder, 'source');
  const user = path.join(folder, 'user');
  await mkdir(source);
  await mkdir(user);
  await buildBundles(path.join(source, 'dist'), { shell: false });
  for (const file of ['package.json', 'README.md', 'README.zh-CN.md', 'LICENSE', 'CHANGELOG.md']) {
    await cp(path.join(root, file), path.join(source, file));
  }
  // `prepack` would build again what is built.
  const packed = await npm(source, ['pack', '--json', '--ignore-scripts']);
  const [archive] = JSON.parse(packed) as readonly {
    readonly filename: string;
    readonly files: readonly PackedFile[];
  }[];
  files = archive?.files ?? [];
  await writeFile(path.join(user, 'package.json'), '{ "private": true }\n');
  try {
    await npm(user, [
      'install',
      '--no-audit',
      '--no-fund',
      path.join(source, archive?.filename ?? ''),
    ]);
  } catch (error) {
    const told = String((error as { readonly stderr?: unknown }).stderr);
    if (!unreachable.test(told)) throw error;
    missing = 'the npm registry cannot be reached';
  }
}, setupTimeoutMs);

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('the npm package', () => {
  it('holds the built daemon and page, and nothing of the desktop, of tests or of sources', () => {
    const names = files.map((file) => file.path);
    for (const wanted of [
      'dist/daemon/launch.mjs',
      'dist/daemon/index.js',
      'dist/daemon/sqlite-worker.js',
      'dist/daemon/driver-worker.js',
      'dist/daemon/driver-kit/index.js',
      'dist/daemon/gossip/worker/worker.js',
      'dist/renderer/index.html',
      'LICENSE',
      'README.md',
    ]) {
      expect(names).toContain(wanted);
    }
    // The kit for drivers of one's own holds a template in TypeScript.
    const stray = names.filter(
      (name) =>
        !name.startsWith('dist/daemon/driver-kit/') &&
        (/\.(?:map|ts|svelte)$/.test(name) || /^(?:dist\/main|test|build)\//.test(name)),
    );
    expect(stray).toEqual([]);
  });

  it('installs without Electron, and with exact versions of what its bundle leaves outside', async (context) => {
    context.skip(missing !== undefined, missing);
    const installed = await readdir(path.join(folder, 'user', 'node_modules'));
    expect(installed).toContain('better-sqlite3');
    expect(installed).toContain('etcd3');
    expect(installed.filter((name) => /electron|vite|playwright|svelte/.test(name))).toEqual([]);
    const manifest = path.join(folder, 'user/node_modules/servicecenter-syncer/package.json');
    const { dependencies, optionalDependencies } = JSON.parse(
      await readFile(manifest, 'utf8'),
    ) as Readonly<Record<string, Readonly<Record<string, string>>>>;
    expect(Object.keys(dependencies ?? {}).sort()).toEqual(['better-sqlite3', 'etcd3']);
    for (const version of Object.values({ ...dependencies, ...optionalDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('answers `npx syncer daemon --help`, on whichever Node the machine has', async (context) => {
    context.skip(missing !== undefined, missing);
    const help = await syncer(['daemon', '--help']);
    expect(help).toContain('--sc-addr');
    expect(help).toContain('--join-addr');
  });

  it('keeps two registries in sync: `npx syncer demo --once`', async (context) => {
    context.skip(missing !== undefined, missing);
    const { crossed, steps } = JSON.parse(await syncer(['demo', '--once', '--json'])) as {
      readonly crossed: number;
      readonly steps: readonly unknown[];
    };
    expect(steps).toHaveLength(20);
    expect(crossed).toBe(20);
  });
});

function syncer(args: readonly string[]): Promise<string> {
  return command('npx', path.join(folder, 'user'), ['--no', 'syncer', ...args]);
}

function npm(cwd: string, args: readonly string[]): Promise<string> {
  return command('npm', cwd, args);
}

/** With the machine's own Node and npm, as if no checkout were there. */
async function command(program: string, cwd: string, args: readonly string[]): Promise<string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_(?!config_(?:registry|cache|userconfig))|SYNCER_|NODE_|VITEST)/i.test(name),
  );
  const folders = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((place) => !place.includes('node_modules'));
  const env = {
    ...Object.fromEntries(inherited),
    PATH: folders.join(path.delimiter),
    SYNCER_LANG: 'en',
  };
  const { stdout } = await run(program, [...args], {
    cwd,
    env,
    timeout: commandTimeoutMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
