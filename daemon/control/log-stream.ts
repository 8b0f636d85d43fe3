// The log ring to a reader: the kept lines first, then what follows. A reader that is too slow
// loses lines and is told how many; it never grows our memory.

import type { LogLine, StreamLogsRequest } from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import type { LogEntry, LogLevel, LogSource } from './ports.ts';

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const usualTail = 200;
/** Lines that wait for a slow reader. Raising it loses fewer of a burst and holds more memory. */
const bufferLimit = 2_000;

/** Yields lines until `signal` aborts, or after the kept ones unless `follow` is set. */
export async function* streamLogs(
  source: LogSource,
  request: StreamLogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const wanted = filterOf(request);
  const waiting: LogEntry[] = [];
  let dropped = 0;
  let wake: (() => void) | undefined;
  const stop = source.onLine((entry) => {
    if (!wanted(entry)) return;
    if (waiting.length === bufferLimit) {
      waiting.shift();
      dropped += 1;
    }
    waiting.push(entry);
    wake?.();
  });
  const onAbort = (): void => wake?.();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const tail = request.tail ?? usualTail;
    const kept = source.recent().filter(wanted);
    for (const entry of tail === 0 ? [] : kept.slice(-tail)) yield lineOf(entry, 0);
    while (request.follow && !signal.aborted) {
      const entry = waiting.shift();
      if (entry === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
        continue;
      }
      yield lineOf(entry, dropped);
      dropped = 0;
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}

function filterOf(request: StreamLogsRequest): (entry: LogEntry) => boolean {
  const lowest = levels.findIndex((level) => level === (request.level || 'info'));
  if (lowest < 0) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'level',
      value: request.level,
      expected: levels.join(', '),
    });
  }
  return (entry) =>
    levels.indexOf(entry.level) >= lowest && (request.part === '' || entry.part === request.part);
}

function lineOf(entry: LogEntry, dropped: number): LogLine {
  return {
    timeMs: entry.timeMs,
    level: entry.level,
    part: entry.part,
    message: entry.message,
    fields: JSON.stringify(entry.fields),
    dropped,
  };
}
