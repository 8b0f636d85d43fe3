// Pictures against those that were looked at and found right: each is kept as a small grid of greys, so
// that other letters of another machine do not count, and a part that moved or is missing does.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright';
import prettier from 'prettier';

/** Cells of the grid: a line of a table is two cells high. Raising it sees more, and keeps more. */
const grid = { width: 60, height: 42 };
/** A cell has changed when its grey differs by more, of 255. Raising it sees less. */
const cellTolerance = 12;
/** A picture has changed when so much of it has. Raising it sees less. */
const shareTolerance = 0.002;

const file = new URL('./baseline.json', import.meta.url).pathname;

/** Greys of a picture by rows, one byte a cell. */
export type Grid = Uint8Array;

/** Runs in the browser, which scales better than we would. */
const greysOf = `async ({ source, width, height }) => {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const greys = [];
  for (let at = 0; at < data.length; at += 4) {
    greys.push(Math.round(0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2]));
  }
  return greys;
}`;

/** Gives the grid of a PNG, worked out by `page`'s browser. */
export async function gridOf(page: Page, png: Buffer): Promise<Grid> {
  const source = `data:image/png;base64,${png.toString('base64')}`;
  const given = JSON.stringify({ source, ...grid });
  return Uint8Array.from(await page.evaluate<number[]>(`(${greysOf})(${given})`));
}

/** The part of the picture that has changed, 0 to 1. */
function changedShare(before: Grid, now: Grid): number {
  if (before.length !== now.length) return 1;
  const changed = now.filter((grey, at) => Math.abs(grey - (before[at] ?? 0)) > cellTolerance);
  return changed.length / now.length;
}

/** Gives a line for each picture that differs from the baseline, or that it does not know. */
export function differences(now: ReadonlyMap<string, Grid>): readonly string[] {
  const known = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;
  return [...now].flatMap(([name, cells]) => {
    const before = known[name];
    if (before === undefined) return [`${name}: not in the baseline`];
    const share = changedShare(Buffer.from(before, 'base64'), cells);
    return share > shareTolerance ? [`${name}: ${Math.round(share * 1000) / 10} % differ`] : [];
  });
}

/** Takes the pictures into the baseline; those that were not taken now stay as they are. */
export async function updateBaseline(now: ReadonlyMap<string, Grid>): Promise<void> {
  const known = readBaseline();
  for (const [name, cells] of now) known[name] = Buffer.from(cells).toString('base64');
  const sorted = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, await prettier.format(JSON.stringify(sorted), { parser: 'json' }));
}

function readBaseline(): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
