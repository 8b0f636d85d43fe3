// Chromium as the tests start it: no sandbox and no GPU (containers have neither), no word to the
// outside.

import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright';

const executablePath = process.env.SYNCER_CHROMIUM ?? '/usr/bin/chromium';

/** Why no browser can be started, or `undefined`. On CI a missing browser is a failure. */
export function browserMissing(): string | undefined {
  try {
    accessSync(executablePath, constants.X_OK);
    return undefined;
  } catch {
    const reason = `no Chromium at ${executablePath} (SYNCER_CHROMIUM names another)`;
    if (process.env.CI !== undefined) throw new Error(reason);
    return reason;
  }
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
