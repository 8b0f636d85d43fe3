// The snapshot: who was in the pool and how far the clocks were, in serf's line format, so that a
// member finds its pool again after a crash (serf-wire.md §8 "Snapshot file").

import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import { isPlainName } from './node-name.ts';

/** How often lines are written. Raising it writes less often and loses more in a crash. */
const flushIntervalMs = 500;
/** The file is written anew above this, or above what its members need twice. */
const minCompactBytes = 128 * 1024;
const bytesPerMember = 128;
/** Lines waiting while the disk does not take them; above it the file is written anew later. */
const maxWaitingLines = 4096;
/** After an error the disk is left alone for this long. */
const retryMs = 30_000;
/** A longer file is not ours. */
const maxFileBytes = 64 * 1024 * 1024;

export interface SnapshotState {
  /** name → `host:port` of those that were alive. */
  readonly alive: ReadonlyMap<string, string>;
  readonly clock: number;
  readonly eventClock: number;
  readonly queryClock: number;
}

/** Times of the three clocks. */
export type ClockTimes = Pick<SnapshotState, 'clock' | 'eventClock' | 'queryClock'>;

interface SnapshotOptions {
  readonly file: string;
  readonly rejoinAfterLeave: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: () => ClockTimes;
}

/** The snapshot file cannot be read. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** What the lines of a snapshot come to. Unknown and broken lines are skipped, as serf does. */
export function replaySnapshot(content: string, rejoinAfterLeave: boolean): SnapshotState {
  const alive = new Map<string, string>();
  let times: ClockTimes = { clock: 0, eventClock: 0, queryClock: 0 };
  // The last line counts only when it was written whole.
  for (const line of content.split('\n').slice(0, -1)) {
    const separator = line.indexOf(': ');
    const kind = separator < 0 ? line : line.slice(0, separator);
    const value = separator < 0 ? '' : line.slice(separator + 2);
    switch (kind) {
      case 'alive': {
        const space = value.lastIndexOf(' ');
        if (space > 0) alive.set(value.slice(0, space), value.slice(space + 1));
        break;
      }
      case 'not-alive':
        alive.delete(value);
        break;
      case 'clock':
        times = { ...times, clock: lamport(value, times.clock) };
        break;
      case 'event-clock':
        times = { ...times, eventClock: lamport(value, times.eventClock) };
        break;
      case 'query-clock':
        times = { ...times, queryClock: lamport(value, times.queryClock) };
        break;
      case 'leave':
        if (rejoinAfterLeave) break;
        alive.clear();
        times = { clock: 0, eventClock: 0, queryClock: 0 };
        break;
      default:
        break;
    }
  }
  return { alive, ...times };
}

function lamport(text: string, otherwise: number): number {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : otherwise;
}

export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #alive: Map<string, string>;
  #handle: FileHandle | undefined;
  #size: number;
  #waiting: string[] = [];
  #overflowed = false;
  #written: ClockTimes = { clock: 0, eventClock: 0, queryClock: 0 };
  #timer: Timer | undefined;
  #flushing: Promise<void> | undefined;
  #failures = 0;
  #closed = false;

  private constructor(
    options: SnapshotOptions,
    handle: FileHandle,
    size: number,
    found: SnapshotState,
  ) {
    this.#options = options;
    this.#handle = handle;
    this.#size = size;
    this.#alive = new Map(found.alive);
    this.#schedule(flushIntervalMs);
  }

  /** Reads what there is and goes on from there. Throws `SnapshotError` where the file cannot be used. */
  static async open(
    options: SnapshotOptions,
  ): Promise<{ readonly snapshot: Snapshot; readonly found: SnapshotState }> {
    const { file } = options;
    try {
      const handle = await open(file, 'a', 0o600);
      const { size } = await handle.stat();
      if (size > maxFileBytes) {
        await handle.close();
        throw new SnapshotError(
          `the snapshot ${file} has ${size} bytes: it is no snapshot of ours`,
        );
      }
      const found = replaySnapshot(await readFile(file, 'utf8'), options.rejoinAfterLeave);
      return { snapshot: new Snapshot(options, handle, size, found), found };
    } catch (error) {
      if (error instanceof SnapshotError) throw error;
      throw new SnapshotError(
        `the snapshot ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** How often the disk refused. */
  get failures(): number {
    return this.#failures;
  }

  alive(name: string, address: string): void {
    if (!isPlainName(name) || this.#alive.get(name) === address) return;
    this.#alive.set(name, address);
    this.#line(`alive: ${name} ${address}`);
  }

  notAlive(name: string): void {
    if (this.#alive.delete(name)) this.#line(`not-alive: ${name}`);
  }

  /** Notes that we left of our own will. */
  leave(): void {
    if (!this.#options.rejoinAfterLeave) this.#alive.clear();
    this.#line('leave');
  }

  /** Writes what waits, and closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#flushing;
    await this.#flush(true);
    await this.#handle?.close().catch(() => undefined);
    this.#handle = undefined;
  }

  #line(line: string): void {
    if (this.#waiting.length < maxWaitingLines) this.#waiting.push(line);
    else this.#overflowed = true;
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#flushing = this.#flush(false).finally(() => (this.#flushing = undefined));
    });
  }

  async #flush(last: boolean): Promise<void> {
    let nextMs = flushIntervalMs;
    try {
      this.#clockLines();
      const limit = Math.max(minCompactBytes, 2 * this.#alive.size * bytesPerMember);
      if (this.#overflowed || this.#size > limit) await this.#compact();
      else await this.#append();
      if (last) await this.#handle?.sync();
    } catch (error) {
      this.#failures += 1;
      this.#overflowed = true;
      nextMs = retryMs;
      this.#options.logger.warn(
        { file: this.#options.file, error: String(error) },
        'the snapshot of the pool cannot be written',
      );
    }
    if (!this.#closed) this.#schedule(nextMs);
  }

  #clockLines(): void {
    const times = this.#options.times();
    if (times.clock !== this.#written.clock) this.#line(`clock: ${times.clock}`);
    if (times.eventClock !== this.#written.eventClock) {
      this.#line(`event-clock: ${times.eventClock}`);
    }
    if (times.queryClock !== this.#written.queryClock) {
      this.#line(`query-clock: ${times.queryClock}`);
    }
    this.#written = times;
  }

  async #append(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    const text = lines.map((line) => `${line}\n`).join('');
    await this.#handle?.appendFile(text);
    this.#size += Buffer.byteLength(text);
  }

  /** Writes the whole state to a new file that takes the place of the old one. */
  async #compact(): Promise<void> {
    const { file } = this.#options;
    const left = this.#waiting.includes('leave');
    this.#waiting = [];
    this.#overflowed = false;
    const lines = [...this.#alive].map(([name, address]) => `alive: ${name} ${address}`);
    const { clock, eventClock, queryClock } = this.#written;
    lines.push(`clock: ${clock}`, `event-clock: ${eventClock}`, `query-clock: ${queryClock}`);
    if (left) lines.push('leave');
    const text = lines.map((line) => `${line}\n`).join('');
    await rm(`${file}.compact`, { force: true });
    const handle = await open(`${file}.compact`, 'ax', 0o600);
    try {
      await handle.appendFile(text);
      await handle.sync();
      await rename(`${file}.compact`, file);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await this.#handle?.close();
    this.#handle = handle;
    this.#size = Buffer.byteLength(text);
  }
}
