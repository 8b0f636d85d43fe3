// Draws the icons: SVG of every tray state in each variant, PNG of all in the sizes that systems ask
// for, and the containers of Windows (ICO) and macOS (ICNS). Run by hand after a change of a shape;
// the results are kept, so that a build needs no browser.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright';
import { icnsFile, icoFile } from './containers.ts';
import { inks, traySvg, trayShapes, type Variant } from './shapes.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const out = `${folder}generated`;

/** A tray's icon has 16 points; dense screens take the file with `@2x`. */
const traySize = 16;
const appSizes = [16, 24, 32, 48, 64, 128, 256, 512, 1024] as const;

const executablePath = process.env.CHROMIUM_PATH;
const browser = await chromium.launch(executablePath === undefined ? {} : { executablePath });
try {
  const page = await browser.newPage();
  await rm(out, { recursive: true, force: true });
  await mkdir(`${out}/tray`, { recursive: true });
  for (const state of Object.keys(trayShapes)) {
    for (const variant of Object.keys(inks) as Variant[]) {
      const svg = traySvg(state, variant);
      const name = `${out}/tray/${state}-${variant}`;
      await writeFile(`${name}.png`, await draw(page, svg, traySize));
      await writeFile(`${name}@2x.png`, await draw(page, svg, 2 * traySize));
    }
  }
  const svg = await readFile(`${folder}icon.svg`, 'utf8');
  const pictures = new Map<number, Buffer>();
  for (const size of appSizes) {
    const picture = await draw(page, svg, size);
    pictures.set(size, picture);
    await writeFile(`${out}/icon-${size}.png`, picture);
  }
  await writeFile(`${out}/icon.ico`, icoFile(pictures));
  await writeFile(`${out}/icon.icns`, icnsFile(pictures));
} finally {
  await browser.close();
}

async function draw(page: Page, svg: string, size: number): Promise<Buffer> {
  await page.setViewportSize({ width: size, height: size });
  const url = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
  await page.setContent(
    `<style>*{margin:0}img{display:block}</style><img width="${size}" height="${size}" src="${url}">`,
  );
  await page.evaluate("document.querySelector('img').decode()");
  return page.screenshot({ omitBackground: true });
}
