// The pictures of the README, of the built page over the fake host and of the icons that the tray
// shows: `npx node test/ui/pictures.ts [OUTDIR]` (build/pictures by default).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import type { MessageKey } from '../../proto/translate.ts';
import { createTranslator } from '../../proto/translate.ts';
import { createFakeDaemon } from './fake-host/daemon.ts';
import { createFakeDesktop } from './fake-host/desktop.ts';
import { startFakeHost } from './fake-host/server.ts';
import { launchBrowser } from './support/browser.ts';
import { buildPage } from './support/build-page.ts';
import { giveDesktop } from './support/desktop-bridge.ts';

const root = new URL('../..', import.meta.url).pathname;
const folder = process.argv[2] ?? join(root, 'build/pictures');
const frozenMs = Date.UTC(2026, 10, 24, 14, 2, 11);

const browser = await launchBrowser();
await takePages(browser);
await takeTray(browser);
await browser.close();
console.log(`overview.png, wizard.png and tray.png in ${folder}`);

async function takePages(into: Browser): Promise<void> {
  await using built = await buildPage();
  await using host = await startFakeHost({
    pageFolder: built.folder,
    daemon: createFakeDaemon({ scenario: 'calm', frozenMs }),
    desktop: createFakeDesktop({ wizardDone: true, language: 'en', theme: 'light' }),
  });
  const context = await into.newContext({ reducedMotion: 'reduce' });
  await giveDesktop(context);
  const page = await context.newPage();
  await page.clock.setFixedTime(frozenMs);
  for (const [name, address, height] of [
    ['overview', '#/overview', 760],
    ['wizard', '#/wizard?step=registry', 420],
  ] as const) {
    await page.setViewportSize({ width: 1_100, height });
    await page.goto(`${host.url}/${address}`);
    await page.locator('h1').waitFor();
    // The layout of the topology and the answer to the address come a moment later.
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
  await context.close();
}

/** The icons with their words, on a light panel and on a dark one. */
async function takeTray(into: Browser): Promise<void> {
  const say = createTranslator('en');
  const states: readonly (readonly [string, MessageKey])[] = [
    ['starting', 'ui.state.starting'],
    ['in-sync', 'ui.state.in-sync'],
    ['catching-up', 'ui.state.catching-up'],
    ['degraded', 'ui.state.degraded'],
    ['holding', 'ui.state.holding'],
    ['paused', 'ui.state.paused'],
    ['unknown', 'ui.state.unknown'],
    ['stopped', 'ui.state.stopped'],
    ['cannot-start', 'desktop.process.failed'],
  ];
  const cell = (state: string, word: string, panel: 'light' | 'dark'): string => {
    const file = join(root, `build/icons/generated/tray/${state}-on-${panel}@2x.png`);
    const icon = readFileSync(file).toString('base64');
    return `<figure><img src="data:image/png;base64,${icon}">${word}</figure>`;
  };
  const panel = (tone: 'light' | 'dark', colours: string): string =>
    `<div style="${colours}">${states.map(([state, key]) => cell(state, say(key), tone)).join('')}</div>`;
  const page = await into.newPage({ viewport: { width: 1_000, height: 160 } });
  await page.setContent(`<style>
    body { margin: 0; font: 13px system-ui, sans-serif; }
    div { display: flex; height: 80px; align-items: center; }
    figure { flex: 1; margin: 0; display: grid; gap: 6px; justify-items: center; text-align: center; }
    img { width: 24px; height: 24px; }
  </style>
  ${panel('light', 'background:#f3f4f6;color:#1f2328')}
  ${panel('dark', 'background:#1f2328;color:#e6e8eb')}`);
  await page.screenshot({ path: join(folder, 'tray.png') });
}
