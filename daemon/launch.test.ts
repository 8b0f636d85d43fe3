import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('launch.mjs', import.meta.url));
const index = fileURLToPath(new URL('index.ts', import.meta.url));

/** A Node too old for the product, where the machine has one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  if (!existsSync(node)) return false;
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout;
  return /^v(1[4-9]|20|21)\./.test(version);
});

it('passes words and exit code through on a Node that is new enough', () => {
  const direct = spawnSync(process.execPath, [index, 'no-such-command'], { encoding: 'utf8' });
  const launched = spawnSync(process.execPath, [launcher, 'no-such-command'], { encoding: 'utf8' });
  expect(launched.status).toBe(direct.status);
  expect(launched.status).toBe(64);
  expect(launched.stderr).toBe(direct.stderr);
});

it('finds the right Node when the present one is too old', (context) => {
  if (oldNode === undefined) return context.skip('this machine has no Node older than 22');
  const launched = spawnSync(oldNode, [launcher, 'no-such-command'], { encoding: 'utf8' });
  expect(launched.stderr).not.toContain('runs this program');
  expect(launched.status).toBe(64);
  const version = spawnSync(oldNode, [launcher, '--version'], { encoding: 'utf8' });
  expect(version.status).toBe(0);
  expect(version.stdout).not.toBe('');
});
