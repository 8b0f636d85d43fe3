// A log file that never grows beyond its size: full, it becomes `.1`, and the oldest goes.

import { appendFileSync, renameSync, rmSync, statSync } from 'node:fs';

export interface RotatingFileSettings {
  readonly file: string;
  readonly maxBytes: number;
  /** Files in all, the current one among them. */
  readonly kept: number;
}

export class RotatingFile {
  readonly #settings: RotatingFileSettings;
  #bytes: number;
  #dropped = 0;

  constructor(settings: RotatingFileSettings) {
    this.#settings = settings;
    this.#bytes = statSync(settings.file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Lines that the disk refused. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends one line. Never throws: a log must not stop what it tells of. */
  write(line: string): void {
    const size = Buffer.byteLength(line);
    try {
      if (this.#bytes > 0 && this.#bytes + size > this.#settings.maxBytes) this.#rotate();
      appendFileSync(this.#settings.file, line, { mode: 0o600 });
      this.#bytes += size;
    } catch {
      this.#dropped += 1;
    }
  }

  #rotate(): void {
    const { file, kept } = this.#settings;
    rmSync(`${file}.${kept - 1}`, { force: true });
    for (let number = kept - 2; number >= 1; number -= 1) {
      if (statSync(`${file}.${number}`, { throwIfNoEntry: false }) !== undefined) {
        renameSync(`${file}.${number}`, `${file}.${number + 1}`);
      }
    }
    if (kept > 1) renameSync(file, `${file}.1`);
    else rmSync(file, { force: true });
    this.#bytes = 0;
  }
}
