// What a person does with the page while two sites run, step by step, in a window of the desktop shell
// and in a browser alike. Texts are those of the English catalogue.

import type { Page } from 'playwright';
import { expect } from 'vitest';
import type { Applications } from '../../support/application.ts';

/** As long as a busy machine may need; what comes at once is seen at once. */
export const flowPatienceMs = 90_000;

const eventually = <T>(read: () => T | Promise<T>) =>
  expect.poll(read, { timeout: flowPatienceMs, interval: 100 });

/** Goes to a page by its address, as a pasted link does. */
export async function goTo(page: Page, fragment: string, title: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${fragment}`)}`);
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
}

/** The rows of the table of instances in which a text stands. */
const rowsWith = (page: Page, text: string) =>
  page.locator('[role=row][data-index]').filter({ hasText: text });

/** Adds, changes and removes an instance at the other site, and sees it in the table. */
export async function followAnInstance(
  page: Page,
  elsewhere: Applications,
  cluster: string,
): Promise<void> {
  await goTo(page, 'instances', 'Instances');
  await page.keyboard.press('/');
  await page.keyboard.type('billing');
  await eventually(() => page.url()).toContain('text=billing');
  const serviceId = await elsewhere.service({ serviceName: 'billing' });
  const instanceId = await elsewhere.instance(serviceId, { endpoints: ['rest://10.9.8.7:6543'] });
  const row = rowsWith(page, 'rest://10.9.8.7:6543');
  await row.filter({ hasText: cluster }).filter({ hasText: 'In sync' }).waitFor();
  await row.click();
  const panel = page.locator('aside');
  await panel.getByText(instanceId).first().waitFor();
  await elsewhere.setProperties(serviceId, instanceId, { zone: 'north-7' });
  await panel.getByText('north-7').first().waitFor();
  await elsewhere.remove(serviceId, instanceId);
  await eventually(() => row.count()).toBe(0);
  await page.keyboard.press('Escape');
}

/** Reloads, and is where it was, with the filter as it was. */
export async function reloadInPlace(page: Page): Promise<void> {
  await goTo(page, 'instances?text=orders', 'Instances');
  await rowsWith(page, 'orders').first().waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Instances' }).waitFor();
  expect(page.url()).toContain('#/instances?text=orders');
  await rowsWith(page, 'orders').first().waitFor();
  expect(await page.locator('[data-filter]').inputValue()).toBe('orders');
}

/** Changes language and theme, which show at once, and back again. */
export async function changeLanguageAndTheme(page: Page): Promise<void> {
  await goTo(page, 'overview', 'Overview');
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('heading', { level: 1, name: '概览' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  await page.getByTitle('Switch to Light').click();
  await eventually(background).toBe('rgb(255, 255, 255)');
  await page.getByTitle('Switch to Dark').click();
  await eventually(background).toBe('rgb(22, 24, 29)');
}

/** Pauses what comes from a cluster, sees that nothing new comes, and resumes. */
export async function pauseALink(
  page: Page,
  elsewhere: Applications,
  from: string,
  to: string,
): Promise<void> {
  await goTo(page, `link?from=${from}&to=${to}`, `${from} → ${to}`);
  await page.getByRole('button', { name: 'Pause' }).first().click();
  await page.getByRole('button', { name: 'Resume' }).first().waitFor();
  const serviceId = await elsewhere.service({ serviceName: 'parked' });
  await elsewhere.instance(serviceId, { endpoints: ['rest://10.5.5.5:5555'] });
  await goTo(page, 'instances?text=parked', 'Instances');
  // It is known of, and waits.
  await rowsWith(page, 'rest://10.5.5.5:5555').filter({ hasText: 'Pending' }).waitFor();
  await goTo(page, `link?from=${from}&to=${to}`, `${from} → ${to}`);
  await page.getByRole('button', { name: 'Resume' }).first().click();
  await goTo(page, 'instances?text=parked', 'Instances');
  await rowsWith(page, 'rest://10.5.5.5:5555').filter({ hasText: 'In sync' }).waitFor();
}

/** Lets the removals go that wait for a person, by typing how many they are. */
export async function approveHeld(page: Page, count: number): Promise<void> {
  await goTo(page, 'held', 'Held');
  await eventually(() => page.locator('tbody tr').count()).toBe(count);
  await page.locator('thead input[type=checkbox]').check();
  await page.getByRole('button', { name: 'Approve removal' }).click();
  const verb = count === 1 ? 'Remove 1 instance' : `Remove ${count} instances`;
  const confirm = page.getByRole('button', { name: verb });
  expect(await confirm.isDisabled()).toBe(true);
  await page.getByLabel(`Type ${count} to confirm`).fill(String(count));
  await confirm.click();
  await page.getByText('No removal waits for a person.').waitFor();
}
