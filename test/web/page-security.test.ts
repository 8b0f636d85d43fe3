// Who may open the page of a real daemon, and who may not: a link, once; then a cookie; and never a
// page of another site.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { ensurePage } from './page.ts';
import { ask, openLink, post, syncer } from './ui-session.ts';

let registry: TestRegistry;
let daemon: TestDaemon;
let origin: string;
let cookie: string;

beforeAll(async () => {
  ensurePage();
  registry = await startRegistry('lab');
  daemon = await startDaemon({
    cluster: 'beijing',
    registries: [registry.url],
    flags: ['--ui-addr', '127.0.0.1:0'],
  });
  const ready = daemon.log.find(({ msg }) => msg === 'ready');
  origin = `http://${String(ready?.ui)}`;
  cookie = await openLink(await syncer(daemon.dataDir, 'ui'));
}, 120_000);

afterAll(async () => {
  expect(await daemon.stop()).toBe(0);
  await registry.close();
});

const code = (answer: { readonly body: string }): unknown =>
  (JSON.parse(answer.body) as { code: unknown }).code;

describe('the link', () => {
  it('opens once, with a cookie that scripts and other sites do not get', async () => {
    const link = new URL(await syncer(daemon.dataDir, 'ui'));
    expect(link.origin).toBe(origin);
    const first = await ask(origin, link.pathname);
    expect(first.status).toBe(200);
    const attributes = first.headers['set-cookie']?.[0] ?? '';
    expect(attributes).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(attributes.startsWith(`syncer-${link.port}=`)).toBe(true);
    const second = await ask(origin, link.pathname);
    expect(second.status).toBe(401);
    expect(second.body).toContain('syncer ui');
  });

  it('is not used up by a HEAD', async () => {
    const link = new URL(await syncer(daemon.dataDir, 'ui'));
    expect((await ask(origin, link.pathname, { method: 'HEAD' })).status).toBe(401);
    expect((await ask(origin, link.pathname)).status).toBe(200);
  });

  it('is refused when it was never given out', async () => {
    expect((await ask(origin, `/open/${'A'.repeat(43)}`)).status).toBe(401);
    expect((await ask(origin, '/open/')).status).toBe(401);
  });

  it('is told to whoever asks by JSON', async () => {
    const told = JSON.parse(await syncer(daemon.dataDir, 'ui', '--json')) as { expiresMs: number };
    expect(told.expiresMs).toBeGreaterThan(Date.now());
  });
});

describe('without a session', () => {
  it.each([
    ['no cookie', {}],
    ['a cookie that was never given', { cookie: 'syncer-1=AAAA' }],
  ])('%s: neither page nor method', async (_, headers: Record<string, string>) => {
    const page = await ask(origin, '/', { headers });
    expect(page.status).toBe(401);
    expect(page.body).not.toContain('<script');
    const method = await post(origin, 'topology', {}, headers);
    expect(method.status).toBe(401);
    expect(code(method)).toBe('ui.no-session');
  });

  it('a cookie of before a restart opens nothing', async () => {
    const other = await startDaemon({
      cluster: 'lab-1',
      registries: [registry.url],
      flags: ['--ui-addr', '127.0.0.1:0'],
    });
    try {
      const there = `http://${String(other.log.find(({ msg }) => msg === 'ready')?.ui)}`;
      const value = cookie.split('=')[1] ?? '';
      const old = `syncer-${new URL(there).port}=${value}`;
      expect((await post(there, 'topology', {}, { cookie: old })).status).toBe(401);
    } finally {
      await other.stop();
    }
  });

  it('is told so in the language of the browser', async () => {
    const answer = await ask(origin, '/', { headers: { 'accept-language': 'zh-CN,zh;q=0.9' } });
    expect(answer.body).toContain('会话');
  });
});

describe('a page of another site', () => {
  it('that points its own name at us is refused by its Host', async () => {
    const { port } = new URL(origin);
    for (const host of [
      `evil.example:${port}`,
      'localhost',
      `127.0.0.1.evil.example:${port}`,
      'evil',
    ]) {
      const answer = await ask(origin, '/', { headers: { host, cookie } });
      expect([host, answer.status]).toEqual([host, 403]);
    }
    const name = await ask(origin, '/', { headers: { host: `LOCALHOST:${port}`, cookie } });
    expect(name.status).toBe(200);
  });

  it('that asks across is refused by its Origin, and so is one that hides it', async () => {
    const { port } = new URL(origin);
    for (const from of [
      'http://evil.example',
      `https://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      'null',
      '',
    ]) {
      const answer = await post(origin, 'pause', { cluster: '' }, { cookie, origin: from });
      expect([from, answer.status]).toEqual([from, 403]);
      expect(code(answer)).toBe('ui.wrong-origin');
    }
    const none = await ask(origin, '/api/pause', {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: '{"cluster":""}',
    });
    expect(none.status).toBe(403);
  });

  it('cannot send a form: only JSON is taken', async () => {
    const answer = await post(origin, 'pause', 'cluster=', {
      cookie,
      'content-type': 'text/plain',
    });
    expect(answer.status).toBe(400);
  });

  it('gets nothing by GET of a method', async () => {
    expect((await ask(origin, '/api/pause', { headers: { cookie } })).status).toBe(404);
  });
});

describe('paths and bodies', () => {
  it.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
    '/assets/../../package.json',
    '/assets/..\\..\\package.json',
    '//etc/passwd',
    '/index.html%00.js',
    '/%ff',
    'http://127.0.0.1/package.json',
  ])('%s leads nowhere', async (path) => {
    const answer = await ask(origin, path, { headers: { cookie } });
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('servicecenter-syncer');
  });

  it('refuses a body over 4 MiB, said before or not', async () => {
    const big = JSON.stringify({ rules: 'x'.repeat(5 * 1024 * 1024) });
    const answer = await post(origin, 'plan', big, { cookie });
    expect(answer.status).toBe(413);
    const chunked = await post(origin, 'plan', big, { cookie, 'transfer-encoding': 'chunked' });
    expect(chunked.status).toBe(413);
  });

  it.each([
    ['topology', { surplus: 1 }],
    ['pause', { cluster: 7 }],
    ['services', { page: { offset: -1, limit: 1, sortBy: '', descending: false } }],
    ['instances', 'not json'],
    ['approve', { selection: {} }],
  ])('refuses an ill-typed %s with the argument', async (method, request) => {
    const answer = await post(origin, method, request, { cookie });
    expect(answer.status).toBe(400);
    expect(code(answer)).toBe('request.wrong-argument');
  });

  it.each(['nothing', 'constructor', '__proto__', '../topology'])(
    'has no method %s',
    async (method) => {
      expect((await post(origin, method, {}, { cookie })).status).toBe(404);
    },
  );
});

describe('the page', () => {
  it('carries its policy, without inline scripts or styles', async () => {
    const page = await ask(origin, '/', { headers: { cookie } });
    expect(page.status).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(page.headers['cache-control']).toBe('no-store');
    const asset = /src="\.(\/assets\/[^"]+)"/.exec(page.body)?.[1] ?? '';
    const script = await ask(origin, asset, { headers: { cookie } });
    expect(script.headers['content-type']).toContain('text/javascript');
  });
});

describe('methods', () => {
  it('are answered by the daemon', async () => {
    const answer = await post(origin, 'version', {}, { cookie });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ pid: daemon.pid, compatible: true });
  });

  it('fail with the code of the table', async () => {
    const answer = await post(origin, 'pause', { cluster: 'nowhere' }, { cookie });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'request.not-found',
      parameters: { kind: 'cluster', name: 'nowhere' },
    });
  });

  it('stream what changes, one document a line, until they are closed', async () => {
    const closing = new AbortController();
    const response = await fetch(`${origin}/api/watchState`, {
      method: 'POST',
      headers: { origin, cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ minIntervalMs: 0 }),
      signal: closing.signal,
    });
    expect(response.ok).toBe(true);
    const seen: { readonly figures?: { readonly pausedAll: boolean } }[] = [];
    const reading = (async () => {
      let rest = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line !== '') seen.push((JSON.parse(line) as { item: (typeof seen)[0] }).item);
        }
      }
    })().catch(() => undefined);
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await post(origin, 'pause', { cluster: '' }, { cookie });
    await expect
      .poll(() => seen.some(({ figures }) => figures?.pausedAll === true), { timeout: 20_000 })
      .toBe(true);
    await post(origin, 'resume', { cluster: '' }, { cookie });
    closing.abort();
    await reading;
  });

  it('refuse a thirty-third stream of one session, and take it when one has ended', async () => {
    const own = await openLink(await syncer(daemon.dataDir, 'ui'));
    const closing: AbortController[] = [];
    const open = async (): Promise<number> => {
      const controller = new AbortController();
      closing.push(controller);
      const response = await fetch(`${origin}/api/logs`, {
        method: 'POST',
        headers: { origin, cookie: own, 'content-type': 'application/json' },
        body: JSON.stringify({ level: 'error', part: '', tail: 0 }),
        signal: controller.signal,
      });
      return response.status;
    };
    for (let count = 0; count < 32; count += 1) expect(await open()).toBe(200);
    expect(await open()).toBe(429);
    closing[0]?.abort();
    await expect.poll(open, { timeout: 20_000 }).toBe(200);
    for (const controller of closing) controller.abort();
    await wait(0);
  });
});
