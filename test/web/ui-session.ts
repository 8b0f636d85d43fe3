// A browser's side of the page, by hand: what a browser sends, and what a page of another site would.

import { execFile } from 'node:child_process';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';

const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;

/** Runs `syncer <args>` against a daemon and gives what it printed. */
export async function syncer(dataDir: string, ...args: readonly string[]): Promise<string> {
  const run = promisify(execFile);
  const command = [entry, ...args, '--data-dir', dataDir];
  return (await run(process.execPath, command)).stdout.trim();
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the authority to trust, and the name that the certificate is to have. */
  readonly ca?: string;
  readonly servername?: string;
}

/** Asks for exactly this path, without the tidying that `fetch` and browsers do. */
export function ask(origin: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(origin);
  const options = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    path,
    method: asking.method ?? 'GET',
    headers: asking.headers ?? {},
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const sent =
      protocol === 'https:'
        ? httpsRequest({ ...options, ca: asking.ca, servername: asking.servername })
        : httpRequest(options);
    let answered = false;
    sent.on('response', (response) => {
      answered = true;
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
      response.on('error', reject);
    });
    // A server that refuses a body closes while we still send it.
    sent.on('error', (error) => {
      if (!answered) reject(error);
    });
    sent.end(asking.body);
  });
}

/** Opens a link and gives the cookie that it brought (`name=value`). */
export async function openLink(link: string, ca?: string): Promise<string> {
  const { origin, pathname } = new URL(link);
  const answer = await ask(origin, pathname, ca === undefined ? {} : { ca });
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
  if (answer.status !== 200 || cookie === undefined) {
    throw new Error(`the link was answered by ${answer.status}: ${answer.body}`);
  }
  return cookie;
}

/** Asks a method of the contract as the page does. */
export function post(
  origin: string,
  method: string,
  request: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return ask(origin, `/api/${method}`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json', ...headers },
    body: typeof request === 'string' ? request : JSON.stringify(request),
  });
}
