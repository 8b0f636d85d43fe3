// Every page in a real Chromium, against the fake host: renders in each scenario without a word on
// the console, keeps to the accessibility rules in both themes, follows keys and links.

import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFakeDaemon } from './fake-host/daemon.ts';
import { createFakeDesktop } from './fake-host/desktop.ts';
import type { Scenario } from './fake-host/scenario.ts';
import { axeFindings } from './flows/accessibility.ts';
import { startFakeHost, type FakeHost } from './fake-host/server.ts';
import { browserMissing, launchBrowser } from './support/browser.ts';
import { buildPage, type BuiltPage } from './support/build-page.ts';
import { giveDesktop } from './support/desktop-bridge.ts';

const missing = browserMissing();
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
  'settings?section=desktop',
  'link?from=shanghai&to=beijing',
  'wizard?step=language',
  'wizard?step=registry',
  'wizard?step=pool',
  'wizard?step=mode',
  'wizard?step=summary',
] as const;

/** Waits as long as a busy machine may need; what comes at once is seen at once. */
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 20_000 });

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly url: string;
  /** What the page has said on the console, and what it has thrown. */
  readonly complaints: readonly string[];
}

describe('the page', () => {
  let built: BuiltPage | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    if (missing !== undefined) return;
    built = await buildPage();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await built?.[Symbol.asyncDispose]();
  });

  async function open(scenario: Scenario, wizardDone = true): Promise<Opened> {
    const host: FakeHost = await startFakeHost({
      pageFolder: built!.folder,
      daemon: createFakeDaemon({ scenario }),
      desktop: createFakeDesktop({ wizardDone }),
    });
    const context: BrowserContext = await browser!.newContext({
      viewport: { width: 1_000, height: 700 },
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    await giveDesktop(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The fake host answers with 500 where the scenario wants failures; the browser notes each.
      const expected = scenario === 'error' && message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !expected) complaints.push(message.text());
    });
    return {
      page,
      url: host.url,
      complaints,
      async [Symbol.asyncDispose]() {
        await context.close();
        await host[Symbol.asyncDispose]();
      },
    };
  }

  async function visit({ page, url }: Opened, address: string): Promise<void> {
    await page.goto(`${url}/#/${address}`);
    await page.locator('main h1').waitFor();
  }

  for (const scenario of ['empty', 'calm', 'loaded', 'error', 'clusters-50'] as const) {
    it(`shows every page in the scenario ${scenario} without an error`, async ({ skip }) => {
      skip(missing !== undefined, missing);
      await using opened = await open(scenario);
      const { page, complaints } = opened;
      for (const address of addresses) {
        await visit(opened, address);
        await page.waitForTimeout(150);
        const text = await page.locator('main').innerText();
        expect(text, address).not.toMatch(/%ui\.|%health\.|undefined|NaN|\[object/);
        const tooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect(tooWide, `${address} is wider than its window`).toBe(false);
      }
      expect(complaints).toEqual([]);
    });
  }

  for (const theme of ['light', 'dark'] as const) {
    it(`has no serious finding of axe on any page in the ${theme} theme`, async ({ skip }) => {
      skip(missing !== undefined, missing);
      await using opened = await open('loaded');
      const { page } = opened;
      const found: string[] = [];
      for (const address of addresses) {
        await visit(opened, address);
        const violations = await axeFindings(page, theme);
        found.push(...violations.map((violation) => `${address}: ${violation}`));
      }
      expect(found).toEqual([]);
    });
  }

  it('switches language and theme at once', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('calm');
    const { page } = opened;
    await visit(opened, 'overview');
    await page.getByRole('button', { name: '中文' }).click();
    await eventually(() => page.locator('h1').innerText()).toBe('概览');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await page.getByRole('button', { name: 'English' }).click();
    await eventually(() => page.locator('h1').innerText()).toBe('Overview');
    const background = () =>
      page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await page.getByRole('button', { name: 'System' }).click();
    await eventually(background).toBe('rgb(255, 255, 255)');
    await page.getByRole('button', { name: 'Light' }).click();
    await eventually(background).toBe('rgb(22, 24, 29)');
    expect(opened.complaints).toEqual([]);
  });

  it('keeps page, filter and selected row over a reload', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('calm');
    const { page } = opened;
    await visit(opened, 'instances');
    await page.locator('[role=row][data-index="0"]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('orders');
    await eventually(() => page.url()).toContain('text=orders');
    await page.locator('[role=row][data-index="1"]').click();
    await page.locator('aside').waitFor();
    const before = await page.locator('aside h2').innerText();
    await page.reload();
    await page.locator('aside').waitFor();
    await eventually(() => page.locator('aside h2').innerText()).toBe(before);
    expect(await page.locator('[data-filter]').inputValue()).toBe('orders');
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('aside').count()).toBe(0);
  });

  it('goes to each page by Ctrl and its digit', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('calm');
    const { page } = opened;
    await visit(opened, 'overview');
    for (const [digit, title] of [
      ['3', 'Instances'],
      ['9', 'Settings'],
      ['1', 'Overview'],
    ] as const) {
      await page.keyboard.press(`Control+${digit}`);
      await eventually(() => page.locator('h1').innerText()).toBe(title);
    }
  });

  it('filters and scrolls 150,000 instances, drawing only those in view', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('instances-150000');
    const { page } = opened;
    await visit(opened, 'instances');
    await eventually(() => page.locator('.tools [role=status]').innerText()).toContain('150,000');
    await page.evaluate("document.querySelector('.table').scrollTop = 2_400_000");
    await page.locator('[role=row][data-index="75000"] [role=gridcell]').nth(1).waitFor();
    expect(await page.locator('[role=row]').count()).toBeLessThan(80);
    await page.locator('[data-filter]').fill('payments-1');
    await eventually(() => page.locator('.tools [role=status]').innerText()).not.toContain(
      '150,000',
    );
    await page.locator('[role=row][data-index="0"]').getByText('payments-1').first().waitFor();
  });

  it('removes held copies only after their number was typed', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('loaded');
    const { page } = opened;
    await visit(opened, 'held');
    await page.locator('thead input[type=checkbox]').check();
    await page.getByRole('button', { name: 'Approve removal' }).click();
    const confirm = page.getByRole('button', { name: 'Remove 12 instances' });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel('Type 12 to confirm').fill('12');
    await confirm.click();
    await page.getByText('12 removals approved.').waitFor();
    await page.getByText('No removal waits for a person.').waitFor();
  });

  it('checks a setting while it is typed, applies it, and goes back', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('calm');
    const { page } = opened;
    await visit(opened, 'settings?section=rules');
    const field = page.locator('.field', { hasText: 'guard.count' }).locator('input');
    await field.fill('-5');
    await page.getByText('guard.count cannot be').first().waitFor();
    await field.fill('80');
    await page.getByRole('button', { name: 'Review and apply' }).click();
    await page.getByRole('dialog').getByText('+ 80').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Applied. Health is watched').waitFor();
    expect(await field.inputValue()).toBe('80');
    await page.getByRole('button', { name: 'Go back' }).click();
    await eventually(() => field.inputValue()).toBe('50');
  });

  it('leads through the first steps by keyboard alone', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using opened = await open('calm', false);
    const { page, url } = opened;
    await page.goto(url);
    await eventually(() => page.url()).toContain('#/wizard');
    const reach = async (name: string): Promise<void> => {
      for (let pressed = 0; pressed < 60; pressed++) {
        const focused = await page.evaluate<string>(
          '(document.activeElement.labels?.[0] ?? document.activeElement).textContent',
        );
        if (focused.trim().startsWith(name)) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`Tab does not reach ${name}`);
    };
    const next = async (heading: string): Promise<void> => {
      await reach('Next');
      await page.keyboard.press('Enter');
      await eventually(() => page.locator('form h2').innerText()).toBe(heading);
    };
    await next('Where is your registry?');
    await page.getByText('answers: ServiceCenter 2.3.0').waitFor();
    await next('A new pool, or one that exists?');
    // The daemon has an address to join already: the arrow keys go between the two choices.
    await reach('Join a pool');
    await page.keyboard.press('ArrowUp');
    await reach('Start a new pool');
    await page.keyboard.press('ArrowDown');
    await reach('Address or invitation');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('10.0.0.2:30191');
    await page.getByText('is the RPC port of a syncer').waitFor();
    await reach('Use 10.0.0.2:30190');
    await page.keyboard.press('Enter');
    await page.getByText('A member of a pool answers').waitFor();
    await next('One machine or three?');
    await next('This is what it comes to');
    await page.getByText('--join-addr 10.0.0.2:30190').waitFor();
    await reach('Start');
    await page.keyboard.press('Enter');
    await page.getByText('The first foreign instance was readable here').waitFor();
  });
});
