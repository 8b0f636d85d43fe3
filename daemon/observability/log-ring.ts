// The last lines of the log in memory, for the control API: at most so many of each level, so that
// a flood of one never washes out the errors.

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  /** The part that spoke (`gossip`, `sync`); empty: the daemon as a whole. */
  readonly part: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class LogRing {
  readonly #perLevel: number;
  readonly #lines = new Map<LogLevel, { readonly order: number; readonly entry: LogEntry }[]>();
  readonly #listeners = new Set<(entry: LogEntry) => void>();
  #order = 0;

  /** `perLevel`: lines kept of each level. Raising it shows more of the past, some 300 bytes each. */
  constructor(perLevel = 1000) {
    this.#perLevel = perLevel;
  }

  push(entry: LogEntry): void {
    const lines = this.#lines.get(entry.level) ?? [];
    this.#lines.set(entry.level, lines);
    lines.push({ order: (this.#order += 1), entry });
    // In halves rather than one by one: a shift for every line would move the whole array.
    if (lines.length >= this.#perLevel * 2) lines.splice(0, lines.length - this.#perLevel);
    for (const listener of this.#listeners) listener(entry);
  }

  /** The kept lines, the oldest first. */
  recent(): readonly LogEntry[] {
    return [...this.#lines.values()]
      .flatMap((lines) => lines.slice(-this.#perLevel))
      .sort((left, right) => left.order - right.order)
      .map(({ entry }) => entry);
  }

  /** Calls the listener with every line from now on; gives what ends that. */
  onLine(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
