// What a command touches of the world: its output, the environment, the interrupt.

import { systemClock, type Clock } from '../support/clock.ts';

export interface CliIo {
  /** Writes text as it is. */
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  readonly clock: Clock;
  /** Aborts at an interrupt: commands that run on end then. */
  readonly interrupt: AbortSignal;
}

/** Width where there is no terminal to ask. */
const usualColumns = 80;

/** Gives the process' own output, environment and signals. */
export function processIo(): CliIo {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The second one ends the process the hard way.
    process.once(signal, () => interrupt.abort());
  }
  // `syncer instances | head` closes the pipe early, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') interrupt.abort();
    else throw error;
  });
  return {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    environment: process.env,
    isTerminal: process.stdout.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : usualColumns,
    clock: systemClock,
    interrupt: interrupt.signal,
  };
}
