// Every page × {light, dark} × {en, zh-CN} × {empty, loaded, error, 50 clusters} as PNG:
// `npm run screenshots -- OUTDIR [PART-OF-NAME] [--compare | --update]`. The clock stands still, so that
// two runs of one build give the same pictures. `--compare` ends with 1 where one differs from the
// baseline (baseline.ts), `--update` takes them into it once somebody has looked at them.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright';
import { differences, gridOf, updateBaseline, type Grid } from './baseline.ts';
import { createFakeDaemon } from './fake-host/daemon.ts';
import { createFakeDesktop } from './fake-host/desktop.ts';
import type { Scenario } from './fake-host/scenario.ts';
import { startFakeHost } from './fake-host/server.ts';
import { launchBrowser } from './support/browser.ts';
import { buildPage } from './support/build-page.ts';
import { giveDesktop } from './support/desktop-bridge.ts';

const { positionals, values: wish } = parseArgs({
  allowPositionals: true,
  options: { compare: { type: 'boolean' }, update: { type: 'boolean' } },
});
const [folder, part = ''] = positionals;
if (folder === undefined) {
  console.error('Name the folder for the pictures: npm run screenshots -- OUTDIR');
  process.exit(64);
}

const frozenMs = Date.UTC(2026, 10, 24, 14, 2, 11);
const shown: readonly Scenario[] = ['empty', 'calm', 'loaded', 'error', 'clusters-50'];
const themes = ['light', 'dark'] as const;
const languages = ['en', 'zh-CN'] as const;
/** The smallest window that must hold everything. */
const viewport = { width: 1_000, height: 700 };

const views: readonly (readonly [string, string])[] = [
  ['overview', '#/overview'],
  ['overview-table', '#/overview?view=table'],
  ['services', '#/services'],
  ['instances', '#/instances'],
  ['clusters', '#/clusters'],
  ['held', '#/held'],
  ['activity', '#/activity'],
  ['diagnostics', '#/diagnostics'],
  ['logs', '#/logs'],
  ['settings', '#/settings'],
  ['link', '#/link?from=shanghai&to=beijing'],
  ['wizard-language', '#/wizard?step=language'],
  ['wizard-registry', '#/wizard?step=registry'],
  ['wizard-pool', '#/wizard?step=pool'],
  ['wizard-mode', '#/wizard?step=mode'],
  ['wizard-summary', '#/wizard?step=summary'],
];

await mkdir(folder, { recursive: true });
await using built = await buildPage();
const browser = await launchBrowser();
const taken = new Map<string, Grid>();
for (const scenario of shown) {
  for (const theme of themes) {
    for (const language of languages) {
      const wanted = views.filter(([name]) =>
        nameOf(scenario, name, theme, language).includes(part),
      );
      if (wanted.length === 0) continue;
      await using host = await startFakeHost({
        pageFolder: built.folder,
        daemon: createFakeDaemon({ scenario, frozenMs }),
        desktop: createFakeDesktop({ wizardDone: true, language, theme }),
      });
      const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
      await giveDesktop(context);
      const page = await context.newPage();
      await page.clock.setFixedTime(frozenMs);
      for (const [name, address] of wanted) {
        await page.goto(`${host.url}/${address}`);
        await settle(page, scenario);
        await take(page, nameOf(scenario, name, theme, language));
      }
      if (scenario === 'loaded') await openDetails(page, host.url, theme, language);
      await context.close();
    }
  }
}
await browser.close();
console.log(`${taken.size} pictures in ${folder}`);
if (wish.update === true) await updateBaseline(taken);
if (wish.compare === true) {
  const found = differences(taken);
  for (const line of found) console.log(line);
  console.log(`${found.length} of ${taken.size} differ from the baseline`);
  if (found.length > 0) process.exitCode = 1;
}

async function take(page: Page, name: string): Promise<void> {
  const png = await page.screenshot({ path: join(folder ?? '', name) });
  taken.set(name, await gridOf(page, png));
}

function nameOf(scenario: string, view: string, theme: string, language: string): string {
  return `${scenario}-${view}-${theme}-${language}.png`;
}

async function settle(page: Page, scenario: Scenario): Promise<void> {
  await page.locator('h1').waitFor();
  if (scenario === 'error') await page.locator('.notice').first().waitFor();
  await page.waitForTimeout(450);
}

/** What opens on a page: the panel of an instance, the question before removing. */
async function openDetails(
  page: Page,
  url: string,
  theme: string,
  language: string,
): Promise<void> {
  const takeView = async (view: string): Promise<void> => {
    const name = nameOf('loaded', view, theme, language);
    if (!name.includes(part)) return;
    await page.waitForTimeout(300);
    await take(page, name);
  };
  await page.goto(`${url}/#/instances?cluster=shanghai`);
  await page.locator('[role=row][data-index="1"]').click();
  await takeView('instances-panel');
  await page.goto(`${url}/#/held`);
  await page.locator('thead input[type=checkbox]').click();
  await takeView('held-chosen');
  await page.locator('button.danger').first().click();
  await takeView('held-approve');
}
