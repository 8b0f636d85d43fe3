// The bridge that the desktop shell's preload script would leave (proto/ipc/bridge.ts), over the
// fake host's HTTP: so that the page can be tried with everything that only a desktop has.

import type { BrowserContext } from 'playwright';
import type { RemoteFailure } from '../../../proto/ipc/verbs.ts';
import {
  bridgeName,
  type Answer,
  type HostBridge,
  type StreamEvent,
} from '../../../proto/ipc/bridge.ts';

/** Every page of the context then finds a desktop shell around it. */
export async function giveDesktop(context: BrowserContext): Promise<void> {
  await context.addInitScript(installBridge, bridgeName);
}

/** Runs inside the page: no name from outside may be used in it. */
function installBridge(name: string): void {
  const post = (group: string, method: string, request: unknown, signal?: AbortSignal) =>
    fetch(`/${group === 'daemon' ? 'api' : group}/${method}`, {
      method: 'POST',
      body: JSON.stringify(request),
      ...(signal === undefined ? {} : { signal }),
    });
  const unreachable = (error: unknown) => ({
    code: 'unreachable',
    parameters: {},
    message: String(error),
  });
  const bridge: HostBridge = {
    async call(group, method, request): Promise<Answer> {
      try {
        const response = await post(group, method, request);
        const value: unknown = await response.json();
        return response.ok ? { value } : { failure: value as never };
      } catch (error) {
        return { failure: unreachable(error) };
      }
    },
    open(group, method, request, take) {
      const closing = new AbortController();
      const read = async (): Promise<StreamEvent> => {
        const response = await post(group, method, request, closing.signal);
        if (!response.ok) return { kind: 'end', failure: (await response.json()) as never };
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        let rest = '';
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return { kind: 'end' };
          const lines = (rest + value).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const { item, failure } = JSON.parse(line) as {
              item?: unknown;
              failure?: RemoteFailure;
            };
            if (failure !== undefined) return { kind: 'end', failure };
            take({ kind: 'item', item });
          }
        }
      };
      read().then(take, (error: unknown) => {
        if (!closing.signal.aborted) take({ kind: 'end', failure: unreachable(error) });
      });
      return () => closing.abort();
    },
  };
  Object.assign(globalThis, { [name]: bridge });
}
