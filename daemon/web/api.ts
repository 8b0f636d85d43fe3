// `POST /api/<method>`: a call is answered by one JSON document, a stream by one a line
// (`{"item":…}`, at last `{"failure":…}`). The methods are those of proto/ipc/contract.ts.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SyncerError } from '../../proto/errors.ts';
import { daemonContract, type DaemonHandlers } from '../../proto/ipc/contract.ts';
import { parseRequest, remoteFailure } from '../../proto/ipc/failure.ts';
import type { Call, Stream } from '../../proto/ipc/verbs.ts';
import type { Clock } from '../support/clock.ts';
import { begin, sendJson } from './answers.ts';

/** Largest body; the control API takes no larger one either. */
const largestBodyBytes = 4 * 1024 * 1024;
/** Streams of one session at once: about four pages with everything open. */
const largestStreamCount = 32;
/** An empty line so often tells both ends, and what is between them, that the stream lives. */
const keepAliveMs = 15_000;

export interface Api {
  /** Answers one request of a session. Rejects with what the page is to be told. */
  answer(request: IncomingMessage, response: ServerResponse, session: string): Promise<void>;
}

export function createApi(handlers: DaemonHandlers, clock: Clock, closing: AbortSignal): Api {
  const open = new Map<string, number>();
  return {
    async answer(request, response, session) {
      const name = (request.url ?? '').slice('/api/'.length);
      if (!isMethod(name)) throw new SyncerError('request.not-found', { kind: 'method', name });
      const entry: Call<unknown, unknown> | Stream<unknown, unknown> = daemonContract[name];
      const payload = parseRequest(name, entry.request, await readJson(request));
      if (entry.verb === 'call') {
        const call = handlers[name] as (request: unknown) => Promise<unknown>;
        sendJson(response, 200, await call(payload));
        return;
      }
      const count = open.get(session) ?? 0;
      if (count >= largestStreamCount) {
        throw new SyncerError('request.too-many', { limit: largestStreamCount });
      }
      open.set(session, count + 1);
      const stream = handlers[name] as (request: unknown, signal: AbortSignal) => Items;
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      try {
        const signal = AbortSignal.any([gone.signal, closing]);
        await pump(stream(payload, signal), response, clock, signal);
      } finally {
        const left = (open.get(session) ?? 1) - 1;
        if (left === 0) open.delete(session);
        else open.set(session, left);
      }
    },
  };
}

type Items = AsyncIterable<unknown>;

async function pump(
  items: Items,
  response: ServerResponse,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  begin(response, 200, { 'content-type': 'application/jsonl' });
  response.flushHeaders();
  let timer = clock.after(keepAliveMs, beat);
  function beat(): void {
    response.write('\n');
    timer = clock.after(keepAliveMs, beat);
  }
  try {
    for await (const item of items) {
      if (signal.aborted) break;
      // A page that reads too slowly holds the source up; it does not fill our memory.
      if (!response.write(`${JSON.stringify({ item })}\n`)) {
        await once(response, 'drain', { signal });
      }
    }
  } catch (error) {
    if (!signal.aborted) response.write(`${JSON.stringify({ failure: remoteFailure(error) })}\n`);
  } finally {
    timer.cancel();
    response.end();
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/.test(type)) throw notJson('content-type', type);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBodyBytes) {
      throw new SyncerError('request.too-large', { limit: largestBodyBytes });
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw notJson('body', text.slice(0, 80));
  }
}

function notJson(argument: string, value: string): SyncerError {
  return new SyncerError('request.wrong-argument', { argument, value, expected: 'JSON' });
}

function isMethod(name: string): name is keyof typeof daemonContract {
  return Object.hasOwn(daemonContract, name);
}
