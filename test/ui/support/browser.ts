// Chromium as the tests start it: no sandbox and no GPU (containers have neither), no word to the
// outside.

import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright';

export const browserPath = process.env.TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Why no browser can be started, or `undefined`. On CI a missing browser is a failure. */
export function browserMissing(): string | undefined {
  try {
    accessSync(browserPath, constants.X_OK);
    return undefined;
  } catch {
    const reason = `no Chromium at ${browserPath} (TEST_CHROMIUM names another)`;
    if (process.env.CI !== undefined) throw new Error(reason);
    return reason;
  }
}

/** No sandbox, no GPU, no word to the outside. */
export const browserFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath, args: browserFlags });
}
