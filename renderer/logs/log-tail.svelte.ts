// The newest lines of the daemon's log, as many as a page can bear.

import type { LogLine } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonClient } from '../../proto/ipc/contract.ts';

export interface KeptLine {
  readonly id: number;
  readonly line: LogLine;
  /** In small letters, for searching. */
  readonly haystack: string;
}

/** Raising it makes searching and drawing slower; the file has the rest. */
const mostKept = 2_000;
const tailLines = 500;
/** Lines are shown together this often: a burst costs one drawing. */
const gatherMs = 100;

export class LogTail {
  lines = $state.raw<readonly KeptLine[]>([]);
  /** Parts that have spoken. */
  parts = $state.raw<ReadonlySet<string>>(new Set());
  error = $state.raw<unknown>();
  /** The first lines after a change of what is followed. */
  isFresh = $state(true);
  readonly #daemon: DaemonClient;
  #gathered: KeptLine[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #reopen: (() => void) | undefined;

  constructor(daemon: DaemonClient) {
    this.#daemon = daemon;
  }

  /** Follows lines of this level and above, of one part or all; gives what stops it. */
  follow(level: string, part: string): () => void {
    this.lines = [];
    this.#gathered = [];
    this.isFresh = true;
    let close: (() => void) | undefined;
    const open = (): void => {
      this.error = undefined;
      close = this.#daemon.logs(
        { level, part, tail: tailLines },
        (line) => this.#take(line),
        (error) => (this.error = error ?? new Error('closed')),
      );
    };
    this.#reopen = open;
    open();
    return () => {
      close?.();
      this.#reopen = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  retry(): void {
    this.#reopen?.();
  }

  #take(line: LogLine): void {
    const haystack = `${line.part} ${line.message} ${line.fields}`.toLowerCase();
    this.#gathered.push({ id: ++this.#lastId, line, haystack });
    this.#timer ??= setTimeout(() => this.#show(), gatherMs);
  }

  #show(): void {
    this.#timer = undefined;
    this.isFresh = this.lines.length === 0;
    this.lines = [...this.lines, ...this.#gathered].slice(-mostKept);
    const spoken = this.#gathered.map(({ line }) => line.part).filter((part) => part !== '');
    this.#gathered = [];
    if (spoken.some((part) => !this.parts.has(part))) {
      this.parts = new Set([...this.parts, ...spoken]);
    }
  }
}
