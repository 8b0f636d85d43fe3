// The control API from the other side: every request as a promise with a deadline, every stream as
// an async iterable, every failure as an error of the table.

import { access, constants } from 'node:fs/promises';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ControlServiceService, type VersionResponse } from '../gen/syncer/control/v1/control.ts';
import { SyncerError } from '../errors.ts';
import { grpcTarget, type ControlAddress } from './address.ts';
import { controlApi } from './api-version.ts';
import { fromServiceError } from './error-transport.ts';

/** How long a daemon may take for one answer. */
const usualTimeoutMs = 10_000;
/** 10,000 rows with long endpoints. */
const largestAnswerBytes = 64 * 1024 * 1024;

type Methods = typeof ControlServiceService;

/** Names of requests with one answer, and of those with a stream of answers. */
type UnaryName = {
  [Name in keyof Methods]: Methods[Name]['responseStream'] extends false ? Name : never;
}[keyof Methods];
type StreamName = Exclude<keyof Methods, UnaryName>;

type RequestOf<Name extends keyof Methods> = Parameters<Methods[Name]['requestSerialize']>[0];
type AnswerOf<Name extends keyof Methods> = ReturnType<Methods[Name]['responseDeserialize']>;

export interface ControlClient {
  /** Where the daemon was found, and what it said of itself. */
  readonly address: ControlAddress;
  readonly daemon: VersionResponse;
  /** One request and its answer, in `timeoutMs` (10 s). Rejects with `SyncerError`. */
  call<Name extends UnaryName>(
    name: Name,
    request: RequestOf<Name>,
    timeoutMs?: number,
  ): Promise<AnswerOf<Name>>;
  /** One request and its stream of answers, until it ends or `signal` aborts. */
  stream<Name extends StreamName>(
    name: Name,
    request: RequestOf<Name>,
    signal: AbortSignal,
  ): AsyncIterable<AnswerOf<Name>>;
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
  const client = new Client(grpcTarget(address), credentials.createInsecure(), {
    'grpc.max_receive_message_length': largestAnswerBytes,
    // A local socket answers at once or not at all: waiting for it to come back is the caller's.
    'grpc.enable_retries': 0,
  });
  const call = callOn(client, address.path);
  try {
    const daemon = await call(
      'getVersion',
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
    const stream = streamOn(client, address.path);
    return { address, daemon, call, stream, close: () => client.close() };
  } catch (error) {
    client.close();
    throw error;
  }
}

function callOn(client: Client, address: string): ControlClient['call'] {
  return <Name extends UnaryName>(
    name: Name,
    request: RequestOf<Name>,
    timeoutMs = usualTimeoutMs,
  ) => {
    const { path, requestSerialize, responseDeserialize } = codecOf(name);
    return new Promise<AnswerOf<Name>>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error !== null) reject(fromServiceError(error, { address, timeoutMs }));
          else if (answer === undefined) reject(new SyncerError('internal.bug', { detail: path }));
          else resolve(answer);
        },
      );
    });
  };
}

function streamOn(client: Client, address: string): ControlClient['stream'] {
  return async function* <Name extends StreamName>(
    name: Name,
    request: RequestOf<Name>,
    signal: AbortSignal,
  ) {
    const { path, requestSerialize, responseDeserialize } = codecOf(name);
    const call = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
    const onAbort = (): void => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) call.cancel();
    try {
      for await (const message of call as AsyncIterable<AnswerOf<Name>>) yield message;
    } catch (error) {
      if (signal.aborted) return;
      throw fromServiceError(error as ServiceError, { address, timeoutMs: usualTimeoutMs });
    } finally {
      signal.removeEventListener('abort', onAbort);
      call.cancel();
    }
  };
}

interface Codec<Name extends keyof Methods> {
  readonly path: string;
  readonly requestSerialize: (request: RequestOf<Name>) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => AnswerOf<Name>;
}

/** The generated definition of a method; one name has one request and one answer type. */
function codecOf<Name extends keyof Methods>(name: Name): Codec<Name> {
  return ControlServiceService[name] as unknown as Codec<Name>;
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
