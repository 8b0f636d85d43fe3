// The contract on Electron's channels: one handler a method, made from the contract itself. Every
// request must come from the window's own page, be of bearable size and of the right shape.

import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type WebContents } from 'electron';
import { SyncerError } from '../../proto/errors.ts';
import {
  channelOf,
  largestRequestBytes,
  streamChannels,
  type Answer,
  type GroupName,
  type StreamEvent,
} from '../../proto/ipc/bridge.ts';
import { daemonContract, desktopContract } from '../../proto/ipc/contract.ts';
import type { DaemonHandlers, DesktopHandlers } from '../../proto/ipc/contract.ts';
import { parseRequest, remoteFailure } from '../../proto/ipc/failure.ts';
import { z } from 'zod';

/** Streams of one page at once. */
const largestStreamCount = 64;

const streamRequest = z.strictObject({ id: z.int().min(0), request: z.unknown() });

/** Whether a frame is the main frame of the window's own page. */
export type SenderCheck = (event: IpcMainInvokeEvent | IpcMainEvent) => boolean;

/** Registers every method of both groups. */
export function serveContract(
  daemon: DaemonHandlers,
  desktop: DesktopHandlers,
  isOwnPage: SenderCheck,
): void {
  const streams = new OpenStreams();
  serveGroup('daemon', daemonContract, daemon, isOwnPage, streams);
  serveGroup('desktop', desktopContract, desktop, isOwnPage, streams);
  ipcMain.on(streamChannels.close, (event, id: unknown) => {
    if (isOwnPage(event) && typeof id === 'number') streams.close(event.sender, id);
  });
}

type AnyGroup = Readonly<
  Record<string, { readonly verb: 'call' | 'stream'; readonly request: z.ZodType }>
>;
type Handler = (request: unknown) => Promise<unknown>;
type StreamHandler = (request: unknown, signal: AbortSignal) => AsyncIterable<unknown>;

function serveGroup(
  group: GroupName,
  contract: AnyGroup,
  handlers: object,
  isOwnPage: SenderCheck,
  streams: OpenStreams,
): void {
  for (const [name, entry] of Object.entries(contract)) {
    const handler: unknown = (handlers as Readonly<Record<string, unknown>>)[name];
    const schema = entry.request;
    const label = channelOf(group, name);
    ipcMain.handle(label, async (event, payload: unknown): Promise<Answer> => {
      try {
        if (!isOwnPage(event)) throw wrongSender(event);
        requireBearable(payload);
        if (entry.verb === 'call') {
          const request = parseRequest(label, schema, payload);
          return { value: await (handler as Handler)(request) };
        }
        const { id, request } = parseRequest(label, streamRequest, payload);
        const parsed = parseRequest(label, schema, request);
        streams.open(event.sender, id, (signal) => (handler as StreamHandler)(parsed, signal));
        return { value: null };
      } catch (error) {
        return { failure: remoteFailure(error) };
      }
    });
  }
}

/** The streams of every page; they end with the page. */
class OpenStreams {
  readonly #pages = new Map<WebContents, Map<number, AbortController>>();

  open(
    page: WebContents,
    id: number,
    start: (signal: AbortSignal) => AsyncIterable<unknown>,
  ): void {
    const streams = this.#of(page);
    if (streams.size >= largestStreamCount) {
      throw new SyncerError('request.too-many', { limit: largestStreamCount });
    }
    streams.get(id)?.abort();
    const closing = new AbortController();
    streams.set(id, closing);
    void pump(page, id, start, closing.signal).finally(() => {
      if (streams.get(id) === closing) streams.delete(id);
    });
  }

  close(page: WebContents, id: number): void {
    this.#pages.get(page)?.get(id)?.abort();
  }

  #of(page: WebContents): Map<number, AbortController> {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const streams = new Map<number, AbortController>();
    this.#pages.set(page, streams);
    const closeAll = (): void => {
      for (const closing of streams.values()) closing.abort();
      streams.clear();
    };
    // A reload makes a new page of the same contents, which numbers its streams anew.
    page.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) closeAll();
    });
    page.on('render-process-gone', closeAll);
    page.once('destroyed', () => {
      closeAll();
      this.#pages.delete(page);
    });
    return streams;
  }
}

async function pump(
  page: WebContents,
  id: number,
  start: (signal: AbortSignal) => AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const send = (event: StreamEvent): void => {
    if (!signal.aborted && !page.isDestroyed()) page.send(streamChannels.event, id, event);
  };
  try {
    for await (const item of start(signal)) {
      if (signal.aborted) return;
      send({ kind: 'item', item });
    }
    send({ kind: 'end' });
  } catch (error) {
    send({ kind: 'end', failure: remoteFailure(error) });
  }
}

function requireBearable(payload: unknown): void {
  // What cannot be written as JSON (a cycle, a BigInt) is not of the contract either.
  let size: number;
  try {
    // Nothing at all has no JSON either.
    size = Buffer.byteLength(JSON.stringify(payload ?? null));
  } catch {
    throw new SyncerError('request.wrong-argument', {
      argument: 'request',
      value: typeof payload,
      expected: 'JSON',
    });
  }
  if (size > largestRequestBytes) {
    throw new SyncerError('request.too-large', { limit: largestRequestBytes });
  }
}

function wrongSender(event: IpcMainInvokeEvent): SyncerError {
  return new SyncerError('request.wrong-sender', { origin: event.senderFrame?.url ?? 'none' });
}
