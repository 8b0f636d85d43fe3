// The contract over HTTP, for a page served by the daemon: a call is a POST, a stream is a response
// of one JSON document a line. The session cookie came with the link of `syncer ui`.

import { daemonContract, type DaemonClient } from '../../proto/ipc/contract.ts';
import { RemoteError, type RemoteFailure } from '../../proto/ipc/verbs.ts';

/** Gives the client of the daemon's web server at the page's own origin. */
export function createWebClient(): DaemonClient {
  const methods = Object.entries(daemonContract).map(([name, { verb }]) => [
    name,
    verb === 'call' ? callOf(name) : streamOf(name),
  ]);
  return Object.fromEntries(methods) as DaemonClient;
}

function callOf(name: string): (request: unknown) => Promise<unknown> {
  return async (request) => {
    const response = await post(name, request, undefined);
    return (await response.json()) as unknown;
  };
}

function streamOf(name: string) {
  return (
    request: unknown,
    next: (item: unknown) => void,
    end: (error?: RemoteError) => void,
  ): (() => void) => {
    const closing = new AbortController();
    void read(name, request, next, closing.signal).then(
      () => end(),
      (error: unknown) => {
        if (!closing.signal.aborted) end(asRemote(error));
      },
    );
    return () => closing.abort();
  };
}

async function read(
  name: string,
  request: unknown,
  next: (item: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await post(name, request, signal);
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // An empty line only keeps the connection open.
      if (line === '') continue;
      const { item, failure } = JSON.parse(line) as { item?: unknown; failure?: RemoteFailure };
      if (failure !== undefined) throw new RemoteError(failure);
      next(item);
    }
  }
}

async function post(
  name: string,
  request: unknown,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const response = await fetch(`/api/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    credentials: 'same-origin',
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new RemoteError(await failureOf(response));
  return response;
}

async function failureOf(response: Response): Promise<RemoteFailure> {
  try {
    return (await response.json()) as RemoteFailure;
  } catch {
    return { code: 'http', parameters: { status: response.status }, message: response.statusText };
  }
}

function asRemote(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error;
  return new RemoteError({ code: 'unreachable', parameters: {}, message: String(error) });
}
