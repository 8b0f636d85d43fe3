// A registry for tests across processes: the lab always, a real ServiceCenter where
// SERVICECENTER_BIN names one. Both are driven the same way.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { poll } from './poll.ts';
import { serviceCenterBinary, startServiceCenter } from './servicecenter.ts';

export type RegistryKind = 'lab' | 'servicecenter';

export interface TestRegistry {
  readonly kind: RegistryKind;
  readonly url: string;
  readonly pid: number;
  /** Ends without a word, is away for `downMs`, and comes back with or without its data. */
  restart(options: { readonly emptyData: boolean; readonly downMs: number }): Promise<void>;
  /** SIGSTOP for so long: connections stay, nothing answers. */
  freeze(forMs: number): Promise<void>;
  /** Lab only: injected faults (daemon/lab/faults.ts). */
  faults(request: object): Promise<void>;
  close(): Promise<void>;
}

/** Gives the reason why registries of this kind cannot be had here, or `undefined`. */
export function registryUnavailable(kind: RegistryKind): string | undefined {
  return kind === 'servicecenter' && 'missing' in serviceCenterBinary
    ? serviceCenterBinary.missing
    : undefined;
}

/** Starts one; `wrap` and `host` put a lab into a host of `netns.ts`. */
export async function startRegistry(
  kind: RegistryKind,
  place: {
    readonly host?: string;
    readonly wrap?: (command: readonly string[]) => readonly string[];
  } = {},
): Promise<TestRegistry> {
  return kind === 'lab' ? startLab(place) : startReal();
}

async function startLab(place: Parameters<typeof startRegistry>[1] = {}): Promise<TestRegistry> {
  const entry = new URL('lab-process.ts', import.meta.url).pathname;
  const command = [process.execPath, entry, place.host ?? '127.0.0.1'];
  const [file = '', ...args] = place.wrap?.(command) ?? command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    once(child, 'exit').then(() => Promise.reject(new Error('the lab did not start'))),
  ]);
  const url = first[0];
  const faults = async (request: object): Promise<void> => {
    const response = await fetch(`${url}/lab/faults`, {
      method: 'PUT',
      body: JSON.stringify(request),
    });
    if (!response.ok) throw new Error(`lab faults: ${await response.text()}`);
  };
  return {
    kind: 'lab',
    url,
    pid: child.pid ?? 0,
    async restart({ emptyData, downMs }) {
      await faults({ restart: { data: emptyData ? 'lose' : 'keep', downMs } });
      await wait(downMs);
      await answers(url);
    },
    async freeze(forMs) {
      child.kill('SIGSTOP');
      await wait(forMs);
      child.kill('SIGCONT');
    },
    faults,
    async close() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(patience);
    },
  };
}

async function startReal(): Promise<TestRegistry> {
  const server = await startServiceCenter();
  return {
    kind: 'servicecenter',
    url: server.address,
    get pid() {
      return server.pid ?? 0;
    },
    async restart({ emptyData, downMs }) {
      await server.end('kill');
      await wait(downMs);
      await server.begin({ emptyData });
    },
    async freeze(forMs) {
      server.freeze();
      await wait(forMs);
      server.thaw();
    },
    faults: () => Promise.reject(new Error('a real ServiceCenter has no injected faults')),
    close: () => server.close(),
  };
}

async function answers(url: string): Promise<void> {
  await poll(async () => {
    const response = await fetch(`${url}/v4/default/registry/version`, {
      signal: AbortSignal.timeout(1_000),
    });
    return response.ok ? true : undefined;
  }, 20_000);
}
