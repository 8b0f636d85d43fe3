// From plain functions to gRPC handlers: errors of the table, cancellation, back-pressure.

import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import { asSyncerError } from '../../proto/errors.ts';
import type { Logger } from '../support/logger.ts';
import { toServiceError } from '../../proto/control/error-transport.ts';

/** Makes handlers that log bugs of ours; errors of the caller are the caller's to read. */
export interface Serve {
  unary<Request, Response>(
    answer: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response>;
  stream<Request, Response>(
    answer: (request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  ): handleServerStreamingCall<Request, Response>;
}

/** Gives the makers of handlers. `closing` ends streams when the server stops. */
export function createServe(logger: Logger, closing: AbortSignal): Serve {
  const failure = (thrown: unknown): ReturnType<typeof toServiceError> => {
    const error = asSyncerError(thrown);
    if (error.code === 'internal.bug') {
      logger.error({ err: thrown }, 'a request of the control API failed');
    }
    return toServiceError(error);
  };

  return {
    unary: (answer) => (call, callback) => {
      const cancelled = new AbortController();
      call.on('cancelled', () => cancelled.abort());
      void (async () => answer(call.request, cancelled.signal))().then(
        (response) => callback(null, response),
        (thrown: unknown) => callback(failure(thrown)),
      );
    },
    stream: (answer) => (call) => {
      const cancelled = new AbortController();
      call.on('cancelled', () => cancelled.abort());
      const signal = AbortSignal.any([cancelled.signal, closing]);
      pump(call, answer(call.request, signal), signal).then(
        () => call.end(),
        (thrown: unknown) => call.emit('error', failure(thrown)),
      );
    },
  };
}

async function pump<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  source: AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of source) {
    if (signal.aborted) return;
    if (call.write(message)) continue;
    // A reader that went away never drains.
    await once(call, 'drain', { signal }).catch(() => undefined);
  }
}
