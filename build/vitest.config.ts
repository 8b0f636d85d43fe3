// Four projects: `unit` beside the source, `across` in test/, `interop` with real peers, `desktop`
// with a real Electron.
import { defineConfig } from 'vitest/config';
import { SkipReporter } from './skip-reporter.ts';

const root = new URL('..', import.meta.url).pathname;
const common = {
  root,
  environment: 'node',
  setupFiles: ['build/property-seed.ts'],
  testTimeout: process.env.TEST_NIGHTLY === '1' ? 300_000 : 30_000,
  hookTimeout: 60_000,
};
/**
 * Tests of processes, networks and real peers get a second try in CI, where one hiccup of a shared
 * machine would hide what all others say. The report names each that needed it.
 */
const withProcesses = { ...common, retry: process.env.CI === undefined ? 0 : 1 } as const;

export default defineConfig({
  root,
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['{daemon,proto,build,renderer,main}/**/*.test.ts'],
        },
      },
      {
        test: {
          ...withProcesses,
          name: 'across',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/desktop/**'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          ...withProcesses,
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...withProcesses,
          name: 'desktop',
          include: ['test/desktop/**/*.test.ts'],
          globalSetup: 'test/desktop/global-setup.ts',
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
    reporters: ['default', new SkipReporter()],
    coverage: { provider: 'v8', include: ['daemon/**/*.ts'] },
    maxWorkers: 2,
  },
});
