// The daemon that is measured: the bundled program, as an installation runs it, in a process of its
// own, with a client on its control API.

import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import { controlAddress } from '../../proto/control/address.ts';
import { connectControl, type ControlClient } from '../../proto/control/client.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from '../support/daemon.ts';
import type { BenchContext } from './bench.ts';
import { distribution, type Distribution } from './statistics.ts';

const program = new URL('../../dist/daemon/index.js', import.meta.url).pathname;

/** How often a daemon is asked whether it answers while something else is measured. */
const askMs = 100;

export interface MeasuredDaemon extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly control: ControlClient;
  state(): Promise<State>;
  /** Calls `look` with the state until it gives something; rejects after `limitMs` or on abort. */
  until<T>(look: (state: State) => T | undefined, limitMs: number, everyMs?: number): Promise<T>;
  /**
   * Asks a trivial question again and again until the result is called: how long answers took shows
   * how long the event loop was held up.
   */
  watchAnswers(): () => Promise<Distribution>;
}

/** Starts one. Logs as an installation does (`info`). Rejects when the program was not built. */
export async function startMeasuredDaemon(
  context: BenchContext,
  options: DaemonOptions,
): Promise<MeasuredDaemon> {
  if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`);
  const { signal, nodeFlags } = context;
  const daemon = await startDaemon({
    ...options,
    flags: ['--log-level', 'info', ...(options.flags ?? [])],
    wrap: ([node = '', , ...rest]) => [node, ...nodeFlags, program, ...rest],
  });
  let control: ControlClient;
  try {
    control = await connectControl(controlAddress(daemon.dataDir), { version: 'bench' });
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  const state = (): Promise<State> => control.call('getState', {}, 60_000);
  return {
    daemon,
    control,
    state,
    async until(look, limitMs, everyMs = 100) {
      const endMs = performance.now() + limitMs;
      for (;;) {
        signal.throwIfAborted();
        const found = look(await state());
        if (found !== undefined) return found;
        if (performance.now() > endMs) {
          throw new Error(`not within ${limitMs} ms; ${daemon.cluster} says: ${await said(state)}`);
        }
        await wait(everyMs, undefined, { signal });
      }
    },
    watchAnswers() {
      const samples: number[] = [];
      const ended = new AbortController();
      const own = { clientVersion: 'bench', apiMin: 1, apiMax: 1 };
      const asking = (async () => {
        while (!ended.signal.aborted) {
          const startMs = performance.now();
          await control.call('getVersion', own, 120_000);
          samples.push(performance.now() - startMs);
          await wait(askMs);
        }
      })();
      return async () => {
        ended.abort();
        await asking;
        return distribution(samples);
      };
    },
    async [Symbol.asyncDispose]() {
      control.close();
      await daemon.stop();
    },
  };
}

async function said(state: () => Promise<State>): Promise<string> {
  const { registry, figures, peers } = await state();
  return JSON.stringify({ registry, figures, peers });
}
