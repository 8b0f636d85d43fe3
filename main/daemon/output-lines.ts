// The last lines that the daemon printed, for the day when it does not start.

/** Lines kept; enough for an error with its stack. Raising it costs memory, about 4 KiB a line at most. */
const keptLines = 50;
/** A line that is longer is cut. */
const longestLine = 4_096;

export interface OutputLines {
  readonly lines: readonly string[];
  /** Takes a piece of output as it comes; pieces need not end at a line's end. */
  take(text: string): void;
}

export function createOutputLines(): OutputLines {
  const lines: string[] = [];
  let rest = '';
  return {
    get lines() {
      return rest === '' ? [...lines] : [...lines, rest].slice(-keptLines);
    },
    take(text) {
      const parts = (rest + text).split(/\r?\n/);
      rest = (parts.pop() ?? '').slice(0, longestLine);
      for (const part of parts) {
        if (part !== '') lines.push(part.slice(0, longestLine));
      }
      lines.splice(0, lines.length - keptLines);
    },
  };
}
