// The whole in one word, as far as it is known right now: without a connection nothing is.

import type { Overall } from '../../proto/health.ts';
import { daemonState } from '../lib/daemon-state.svelte.ts';
import { processState } from '../lib/process-state.svelte.ts';

/** A state of the whole, or of the daemon's process where that says more. */
export type Whole = Overall | 'connecting' | 'stopped' | 'failed' | 'stopping';

/** Reads reactive state: call it from markup or `$derived`. */
export function wholeNow(): Whole {
  if (daemonState.connection.state === 'connected') {
    return (daemonState.state?.summary?.overall ?? 'unknown') as Overall;
  }
  const process = processState.process?.state;
  if (process === 'stopped' || process === 'failed' || process === 'stopping') return process;
  if (process === 'starting') return 'starting';
  return daemonState.connection.state === 'connecting' ? 'connecting' : 'unknown';
}
