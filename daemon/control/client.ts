// The control API from the other side: every request as a promise with a deadline, every stream as
// an async iterable, every failure as an error of the table.

import { access, constants } from 'node:fs/promises';
import { credentials, Metadata, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { ControlServiceClient } from '../../proto/gen/syncer/control/v1/control.ts';
import type { VersionResponse } from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import { grpcTarget, type ControlAddress } from './address.ts';
import { controlApi } from './api-version.ts';
import { fromServiceError, type CallPlace } from './error-transport.ts';

/** How long a daemon may take for one answer. */
const usualTimeoutMs = 10_000;
/** 10,000 rows with long endpoints. */
const largestAnswerBytes = 64 * 1024 * 1024;

type Callback<Response> = (error: ServiceError | null, response: Response) => void;

/** The requests of the generated client, with the arguments of one unary call. */
type UnaryMethod<Request, Response> = (
  this: ControlServiceClient,
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: Callback<Response>,
) => unknown;

type StreamMethod<Request, Response> = (
  this: ControlServiceClient,
  request: Request,
) => ClientReadableStream<Response>;

export interface ControlClient {
  readonly daemon: VersionResponse;
  /** One request and its answer, in `timeoutMs` (10 s). Rejects with `SyncerError`. */
  call<Request, Response>(
    method: (client: ControlServiceClient) => UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs?: number,
  ): Promise<Response>;
  /** One request and its stream of answers, until it ends or `signal` aborts. */
  stream<Request, Response>(
    method: (client: ControlServiceClient) => StreamMethod<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): AsyncIterable<Response>;
  close(): void;
}

/**
 * Connects and shakes hands. Rejects with `control.not-running`, `control.refused` (another user's
 * daemon), `control.no-answer`, or `control.version` when the two sides have no version in common.
 */
export async function connectControl(
  address: ControlAddress,
  own: { readonly version: string },
  timeoutMs: number = usualTimeoutMs,
): Promise<ControlClient> {
  if (address.kind === 'socket') await refuseEarly(address.path);
  const client = new ControlServiceClient(grpcTarget(address), credentials.createInsecure(), {
    'grpc.max_receive_message_length': largestAnswerBytes,
    // A local socket answers at once or not at all: waiting for it to come back is the caller's.
    'grpc.enable_retries': 0,
  });
  const call = callOn(client, address.path);
  try {
    const daemon = await call(
      (methods) => methods.getVersion,
      { clientVersion: own.version, apiMin: controlApi.min, apiMax: controlApi.max },
      timeoutMs,
    );
    if (!daemon.compatible) {
      throw new SyncerError('control.version', {
        address: address.path,
        daemon: daemon.version,
        daemonRange: rangeText(daemon.apiMin, daemon.apiMax),
        client: own.version,
        clientRange: rangeText(controlApi.min, controlApi.max),
      });
    }
    return { daemon, call, stream: streamOn(client, address.path), close: () => client.close() };
  } catch (error) {
    client.close();
    throw error;
  }
}

function callOn(client: ControlServiceClient, address: string): ControlClient['call'] {
  return (method, request, timeoutMs = usualTimeoutMs) => {
    const place: CallPlace = { address, timeoutMs };
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      method(client).call(client, request, new Metadata(), options, (error, response) => {
        if (error === null) resolve(response);
        else reject(fromServiceError(error, place));
      });
    });
  };
}

function streamOn(client: ControlServiceClient, address: string): ControlClient['stream'] {
  return async function* (method, request, signal) {
    const call = method(client).call(client, request);
    const onAbort = (): void => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) call.cancel();
    try {
      for await (const message of call) yield message;
    } catch (error) {
      if (signal.aborted) return;
      throw fromServiceError(error as ServiceError, { address, timeoutMs: usualTimeoutMs });
    } finally {
      signal.removeEventListener('abort', onAbort);
      call.cancel();
    }
  };
}

/** The system's own words are clearer than what comes out of a failed HTTP/2 session. */
async function refuseEarly(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const refused = code === 'EACCES' || code === 'EPERM';
    throw new SyncerError(
      refused ? 'control.refused' : 'control.not-running',
      { address: path },
      cause,
    );
  }
}

function rangeText(min: number, max: number): string {
  return min === max ? String(min) : `${min}–${max}`;
}
