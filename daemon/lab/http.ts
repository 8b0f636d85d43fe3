// The lab's side of HTTP: bounded bodies in, JSON out as the real server writes it (servicecenter-api.md §2).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { ApiError, invalid } from './errors.ts';

/** What a handler answers. */
export type Answer =
  | {
      readonly kind: 'json';
      readonly value: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly status?: number;
    }
  | { readonly kind: 'empty' }
  | { readonly kind: 'not-modified'; readonly rev: string }
  | { readonly kind: 'text'; readonly status: number; readonly text: string };

export const empty: Answer = { kind: 'empty' };

/** A JSON answer. */
export function json(value: unknown, headers?: Readonly<Record<string, string>>): Answer {
  return headers === undefined ? { kind: 'json', value } : { kind: 'json', value, headers };
}

/** The largest body but for the calls that have a limit of their own (§14). */
export const largestBodyBytes = 2 * 1024 * 1024;

/** Reads a body of at most `limit` bytes; throws 400001 when it is larger. */
export function readRequest(request: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let tooLarge = false;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else tooLarge = true;
    });
    request.on('end', () => {
      if (tooLarge) reject(invalid('http: request body too large'));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(new Error('the client went away'));
    });
  });
}

/** How an answer goes out: whole, or only its first half and then a cut (a fault). */
export interface SendOptions {
  readonly cutInHalf: boolean;
  readonly serverName: string;
}

/** Below this size an answer is not worth compressing. */
const leastGzipBytes = 1_024;

/**
 * Writes an answer. Header names are written in the case of a real server's, because the official Java
 * client reads some of them by their case.
 */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
): void {
  const { status, headers, body } = render(answer);
  const withServer = { ...headers, Server: options.serverName };
  const accepts = request.headers['accept-encoding'] ?? '';
  if (body.length < leastGzipBytes || !/\bgzip\b/.test(accepts)) {
    finish(response, status, withServer, Buffer.from(body), options.cutInHalf);
    return;
  }
  gzip(body, { level: 1 }, (_error, packed) => {
    const packedHeaders = { ...withServer, 'Content-Encoding': 'gzip' };
    finish(response, status, packedHeaders, packed, options.cutInHalf);
  });
}

function finish(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: Buffer,
  cutInHalf: boolean,
): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'Content-Length': String(body.length) });
  if (!cutInHalf) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

function render(answer: Answer): { status: number; headers: Record<string, string>; body: string } {
  switch (answer.kind) {
    case 'json':
      return {
        status: answer.status ?? 200,
        headers: { 'Content-Type': 'application/json; charset=UTF-8', ...answer.headers },
        body: JSON.stringify(answer.value),
      };
    case 'empty':
      return { status: 200, headers: { 'Content-Type': 'text/plain; charset=UTF-8' }, body: '' };
    case 'not-modified':
      return { status: 304, headers: { 'X-Resource-Revision': answer.rev }, body: '' };
    case 'text':
      return {
        status: answer.status,
        headers: { 'Content-Type': 'text/plain; charset=utf-8' },
        body: answer.text,
      };
  }
}

/** Turns a refusal into its answer; any other error is thrown on. */
export function answerOf(error: unknown): Answer {
  if (!(error instanceof ApiError)) throw error;
  return { kind: 'json', status: error.status, value: error.body };
}
