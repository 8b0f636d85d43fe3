// The table of instances in a real Chromium, before a real daemon with 150,000 of them: from a letter
// typed to the first frame with the rows that it asks for, and the frames while it scrolls.

import { startLoad } from '../../../daemon/lab/load.ts';
import { startDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { startRegistry } from '../../support/registry.ts';
import { launchBrowser } from '../../ui/support/browser.ts';
import { syncer } from '../../web/ui-session.ts';
import type { BenchContext } from '../bench.ts';
import { distribution, type Distribution } from '../statistics.ts';

const services = 500;
const filterCount = 40;
const scrollFrames = 300;
/** A registry of this size is read in less than a minute on an idle machine. */
const readLimitMs = 300_000;

export interface TableFigures {
  readonly instances: number;
  /** From a letter typed to the first frame that shows its rows. */
  readonly filterMs: Distribution & { readonly p95: number };
  /** Between two frames while scrolling, 400 pixels each. */
  readonly frameMs: Distribution;
}

/** Measures with so many instances of each of 500 services. */
export async function measureTable(
  { say }: BenchContext,
  instancesPerService: number,
): Promise<TableFigures> {
  const instances = services * instancesPerService;
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry('lab');
  stack.defer(() => registry.close());
  say(`registering ${instances} instances`);
  const load = await startLoad(registry.url, {
    services,
    instancesPerService,
    fullShare: 0,
    heartbeatSeconds: 600,
  });
  stack.defer(() => load.stop());
  const daemon = await startDaemon({
    cluster: 'beijing',
    registries: [registry.url],
    flags: ['--ui-addr', '127.0.0.1:0', '--log-level', 'info'],
  });
  stack.defer(async () => {
    await daemon.stop();
  });
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(readLimitMs);
  await page.goto(await syncer(daemon.dataDir, 'ui'));
  // The link leads to the page itself.
  await page.locator('main h1').waitFor();
  await page.evaluate("location.hash = '#/instances'");
  const status = page.locator('.tools [role=status]');
  const all = new Intl.NumberFormat('en').format(instances);
  await poll(
    async () => ((await status.innerText()).includes(all) ? true : undefined),
    readLimitMs,
    500,
  );
  await page.locator('[role=row][data-index="0"]').waitFor();

  say('filtering');
  const filtered: number[] = [];
  for (let count = 0; count < filterCount; count += 1) {
    filtered.push(await page.evaluate<number>(filterOnce(`host-${(count * 37 + 11) % 900}`)));
  }
  await page.evaluate(filterOnce(''));
  say('scrolling');
  const frames = await page.evaluate<number[]>(scroll(scrollFrames));
  const sorted = filtered.toSorted((left, right) => left - right);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
  return {
    instances,
    filterMs: { ...distribution(filtered), p95: Math.round(p95 * 10) / 10 },
    frameMs: distribution(frames),
  };
}

/** Runs in the page: types the whole text at once, and waits for its rows. */
function filterOnce(text: string): string {
  return `new Promise((resolve, reject) => {
    const wanted = ${JSON.stringify(text)};
    const input = document.querySelector('[data-filter]');
    const before = document.querySelector('.tools [role=status]').textContent;
    const startMs = performance.now();
    input.value = wanted;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    const look = () => {
      const row = document.querySelector('[role=row][data-index="0"]');
      const changed = document.querySelector('.tools [role=status]').textContent !== before;
      if (row !== null && (wanted === '' ? changed : row.textContent.includes(wanted))) {
        resolve(performance.now() - startMs);
      } else if (performance.now() - startMs > 60_000) reject(new Error('no rows for ' + wanted));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })`;
}

/** Runs in the page: scrolls at each frame, and gives the time between two frames. */
function scroll(frames: number): string {
  return `new Promise((resolve) => {
    const table = document.querySelector('.table');
    const times = [];
    let last = performance.now();
    const step = (nowMs) => {
      times.push(nowMs - last);
      last = nowMs;
      table.scrollTop += 400;
      if (times.length > ${frames}) resolve(times.slice(1));
      else requestAnimationFrame(step);
    };
    requestAnimationFrame((nowMs) => { last = nowMs; requestAnimationFrame(step); });
  })`;
}
