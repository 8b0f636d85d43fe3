// A display and a session bus of the test's own: no test sees the person's desktop, nor another test.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Screen {
  /** DISPLAY and DBUS_SESSION_BUS_ADDRESS. */
  readonly environment: Readonly<Record<string, string>>;
  readonly busAddress: string;
  /** Ends both; programs that use them must have ended before. */
  close(): Promise<void>;
}

/** Starts Xvfb on a free display number, and a bus. */
export async function startScreen(): Promise<Screen> {
  const display = spawn(
    'Xvfb',
    ['-displayfd', '3', '-nolisten', 'tcp', '-screen', '0', '1280x800x24'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const close = async (): Promise<void> => {
    for (const child of [bus, display]) await end(child);
  };
  try {
    const number = await firstLine('Xvfb', display, display.stdio[3] as Readable);
    const busAddress = await firstLine('dbus-daemon', bus, bus.stdout);
    return {
      environment: { DISPLAY: `:${number}`, DBUS_SESSION_BUS_ADDRESS: busAddress },
      busAddress,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function firstLine(name: string, child: ChildProcess, stream: Readable): Promise<string> {
  const failed = new AbortController();
  const [line] = (await Promise.race([
    once(createInterface({ input: stream }), 'line', { signal: failed.signal }),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended at once (${String(code)})`);
    }),
  ]).finally(() => failed.abort())) as [string];
  return line;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(patience);
}
