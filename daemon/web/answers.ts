// What every answer carries, and how an error of the table becomes one.

import type { ServerResponse } from 'node:http';
import {
  asSyncerError,
  describeError,
  errorTable,
  type GrpcStatusName,
} from '../../proto/errors.ts';
import { remoteFailure } from '../../proto/ipc/failure.ts';
import { createTranslator, pickLocale } from '../../proto/translate.ts';

/** Nothing from elsewhere, nothing inline; the page is framed by nobody. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const everywhere = {
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

const httpStatus: Readonly<Record<GrpcStatusName, number>> = {
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  UNAUTHENTICATED: 401,
};

/** Sends a whole answer. `cache-control` is `no-store` unless `headers` says otherwise. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  begin(response, status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

/** Begins an answer whose body follows. */
export function begin(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...everywhere, 'cache-control': 'no-store', ...headers });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, { 'content-type': 'application/json' }, JSON.stringify(value));
}

/** Tells the page what went wrong (`RemoteFailure`). */
export function sendFailure(response: ServerResponse, thrown: unknown): void {
  sendJson(response, statusOf(thrown), remoteFailure(thrown));
}

/** Tells a person what went wrong and what to do, in the language of the browser. */
export function sendToPerson(response: ServerResponse, thrown: unknown, languages: string): void {
  const say = createTranslator(pickLocale(languages.split(',')[0]?.trim(), {}));
  const { text, remedy } = describeError(asSyncerError(thrown), say);
  send(
    response,
    statusOf(thrown),
    { 'content-type': 'text/plain; charset=utf-8' },
    `${text}\n\n${remedy}\n`,
  );
}

function statusOf(thrown: unknown): number {
  const { code } = asSyncerError(thrown);
  return code === 'request.too-large' ? 413 : httpStatus[errorTable[code].grpc];
}
