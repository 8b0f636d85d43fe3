// The support bundle: what somebody else needs to understand what goes on here, redacted. The person
// sees it before it is saved, and it goes nowhere by itself.

import { release } from 'node:os';
import { strToU8, zipSync } from 'fflate';
import { controlApi } from '../../proto/control/api-version.ts';
import type { ControlLink } from '../../proto/control/contract-handlers.ts';
import type { BundlePreview, DaemonHandlers, DaemonProcess } from '../../proto/ipc/contract.ts';
import { redact } from './redact.ts';

/** Log lines taken along; the daemon keeps no more than a few thousand. */
const logLines = 2_000;
/** A file that is longer is cut at its beginning: the end is the latest. */
const largestFileBytes = 4 * 1024 * 1024;
/** How long the self-checks and the log may take. */
const collectTimeoutMs = 30_000;

export interface BundleSources {
  readonly version: string;
  readonly process: () => DaemonProcess;
  readonly settingsText: () => string;
  readonly daemon: DaemonHandlers;
  readonly control: ControlLink;
}

export type BundleFiles = BundlePreview['files'];

/** Collects and redacts. What cannot be had is said in its file's place. */
export async function collectBundle(sources: BundleSources): Promise<BundleFiles> {
  const { daemon, control } = sources;
  const signal = AbortSignal.timeout(collectTimeoutMs);
  const files = await Promise.all([
    file('about.json', async () => json({ ...about(sources), collected: new Date() })),
    file('process.json', async () => json(sources.process())),
    file('desktop-settings.yaml', async () => sources.settingsText()),
    file('daemon-version.json', async () => json(await daemon.version({}))),
    file('state.json', async () => json(await (await control.client()).call('getState', {}))),
    file('topology.json', async () => json(await daemon.topology({}))),
    file('configuration.json', async () => json(await daemon.config({}))),
    file('diagnostics.json', async () =>
      json(await all(daemon.diagnostics({ checks: [] }, signal))),
    ),
    file('log.jsonl', async () => lines(await all(await log(control, signal)))),
  ]);
  return files;
}

/** Gives the files as a zip. */
export function zipBundle(files: BundleFiles): Uint8Array {
  return zipSync(Object.fromEntries(files.map(({ name, text }) => [name, strToU8(text)])));
}

/** A few lines for pasting into a message. */
export function summaryOf(sources: BundleSources, sentence: string): string {
  const { state, pid, restarts, reason, lastLines } = sources.process();
  return redact(
    [
      sentence,
      ...Object.entries(about(sources)).map(([name, value]) => `${name}: ${value}`),
      `daemon: ${state}${pid === undefined ? '' : `, process ${pid}`}, restarts ${restarts}`,
      ...(reason === '' ? [] : [`reason: ${reason}`]),
      ...lastLines,
    ].join('\n'),
  );
}

function about({ version }: BundleSources): Readonly<Record<string, string>> {
  const { electron, node, chrome } = process.versions;
  return {
    version,
    system: `${process.platform} ${process.arch} ${release()}`,
    electron,
    node,
    chrome,
    controlApi: `${controlApi.min}-${controlApi.max}`,
  };
}

async function file(name: string, make: () => Promise<string>): Promise<BundleFiles[number]> {
  let text: string;
  try {
    text = await make();
  } catch (error) {
    text = `not to be had: ${error instanceof Error ? error.message : String(error)}\n`;
  }
  const clean = redact(text.slice(-largestFileBytes));
  return { name, bytes: Buffer.byteLength(clean), text: clean };
}

async function log(control: ControlLink, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
  const client = await control.client();
  const request = { level: 'debug', part: '', follow: false, tail: logLines };
  return client.stream('streamLogs', request, signal);
}

async function all(items: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const list: unknown[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
