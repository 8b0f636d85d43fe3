// axe-core on every page, whatever serves it. The page's content policy lets no script in from
// outside; what a test tool evaluates comes in all the same.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright';

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

/** Every page that a daemon has something for, and every step of the wizard. */
const addresses = [
  'overview',
  'overview?view=table',
  'services',
  'instances',
  'clusters',
  'held',
  'activity',
  'diagnostics',
  'logs',
  'settings',
  'settings?section=rules',
  'link?from=shanghai&to=beijing',
  'wizard?step=language',
  'wizard?step=registry',
  'wizard?step=pool',
  'wizard?step=mode',
  'wizard?step=summary',
] as const;

/** Gives the serious and critical findings on every page in a theme. */
export async function seriousFindings(
  page: Page,
  theme: 'light' | 'dark',
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const address of addresses) {
    await page.evaluate(`location.hash = ${JSON.stringify(`#/${address}`)}`);
    await page.locator('main h1').waitFor();
    const violations = await axeFindings(page, theme);
    found.push(...violations.map((violation) => `${address}: ${violation}`));
  }
  return found;
}

/** Gives the serious and critical findings on what `page` shows now, in a theme. */
export async function axeFindings(page: Page, theme: 'light' | 'dark'): Promise<readonly string[]> {
  await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
  // What fades in has faded in.
  await page.evaluate(
    'Promise.all(document.getAnimations().map((one) => one.finished.catch(() => 0))).then(() => 0)',
  );
  await page.evaluate(axeSource);
  return page.evaluate<string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html.slice(0, 160))))`,
  );
}
