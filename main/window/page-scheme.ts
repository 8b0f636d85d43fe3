// The page under a scheme of its own, `app://syncer/`: never a file, never the network. Files come
// from a list made at start, so that no path leads out of the folder.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { protocol, type Session } from 'electron';

export const pageOrigin = 'app://syncer';

/** Nothing from elsewhere, nothing inline; the page speaks by the bridge alone. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Must run before the application is ready. */
export function declarePageScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, codeCache: true } },
  ]);
}

/** Answers `app://syncer/…` from `folder` (dist/renderer). Throws when the page is not built. */
export function servePage(session: Session, folder: string): void {
  const files = listFiles(folder);
  session.protocol.handle('app', (request) => {
    const { pathname, host } = new URL(request.url);
    const name = pathname === '/' ? '/index.html' : pathname;
    const file = files.get(name);
    if (host !== 'syncer' || file === undefined || request.method !== 'GET') {
      return new Response('', { status: 404, headers: headersFor('text/plain') });
    }
    const type = types[path.extname(name)] ?? 'application/octet-stream';
    return new Response(new Uint8Array(readFileSync(file)), { headers: headersFor(type) });
  });
}

function listFiles(folder: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || types[path.extname(entry.name)] === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    files.set(`/${path.relative(folder, file).replaceAll(path.sep, '/')}`, file);
  }
  if (!files.has('/index.html')) throw new Error(`${folder} holds no built page`);
  return files;
}

function headersFor(type: string): Record<string, string> {
  return {
    'content-type': type,
    'content-security-policy': contentPolicy,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
}
