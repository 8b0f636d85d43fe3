// The edge: what this machine says of itself, and the files that a configuration names.

import { openSync, closeSync, fstatSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { stateRoot } from '../../proto/control/state-root.ts';
import type { Machine } from './load.ts';

/** Gives the host name and the place for state by the platform's custom. */
export function thisMachine(environment: Readonly<Record<string, string | undefined>>): Machine {
  return {
    hostname: os.hostname(),
    stateRoot: stateRoot(process.platform, os.homedir(), environment),
  };
}

const maxFileBytes = 4 * 1024 * 1024;

/** Reads a configuration file of at most 4 MiB; throws with a reason for people. */
export function readConfigText(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const facts = fstatSync(handle);
    if (facts.isDirectory()) throw new Error('it is a directory');
    if (facts.size > maxFileBytes) throw new Error('it is larger than 4 MiB');
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(handle));
  } finally {
    closeSync(handle);
  }
}
