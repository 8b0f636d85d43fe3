// How the page is asked for: loopback without TLS, elsewhere with it alone, and what is said else.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testAuthority } from '../support/certificates.ts';
import { startDaemon } from '../support/daemon.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { ensurePage } from './page.ts';
import { ask, openLink, post, syncer } from './ui-session.ts';

let registry: TestRegistry;
let directory: string;

beforeAll(async () => {
  ensurePage();
  directory = mkdtempSync(join(tmpdir(), 'syncer-web-'));
  registry = await startRegistry('lab');
}, 120_000);

afterAll(async () => {
  await registry.close();
  rmSync(directory, { recursive: true, force: true });
});

const daemonWith = (...flags: readonly string[]) =>
  startDaemon({ cluster: 'beijing', registries: [registry.url], flags });

describe('the page', () => {
  it('is refused off loopback without TLS, and says what is missing', async () => {
    await expect(daemonWith('--ui-addr', '0.0.0.0:0')).rejects.toThrow(/tls\.cert/);
  });

  it('is served off loopback with TLS, to the names of the certificate', async () => {
    const tls = testAuthority(directory).issue('ui', ['DNS:syncer.test', 'IP:127.0.0.1']);
    const flags = ['--tls-cert', tls.certFile, '--tls-key', tls.keyFile];
    const daemon = await daemonWith('--ui-addr', '0.0.0.0:0', ...flags);
    try {
      const link = new URL(await syncer(daemon.dataDir, 'ui'));
      expect(link.protocol).toBe('https:');
      expect(link.hostname).toBe('syncer.test');
      const origin = `https://127.0.0.1:${link.port}`;
      const trust = { ca: readFileSync(tls.caFile, 'utf8'), servername: 'syncer.test' };
      const opened = await ask(origin, link.pathname, trust);
      expect(opened.headers['set-cookie']?.[0]).toMatch(/^__Host-syncer-\d+=.*; Secure$/);
      const cookie = opened.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      expect((await ask(origin, '/', { ...trust, headers: { cookie } })).status).toBe(200);
      const named = { host: `syncer.test:${link.port}`, cookie };
      expect((await ask(origin, '/', { ...trust, headers: named })).status).toBe(200);
      const strange = { host: `other.test:${link.port}`, cookie };
      expect((await ask(origin, '/', { ...trust, headers: strange })).status).toBe(403);
    } finally {
      await daemon.stop();
    }
  });

  it('says that its port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await expect(daemonWith('--ui-addr', `127.0.0.1:${port}`)).rejects.toThrow(/--ui-addr/);
    await new Promise((resolve) => other.close(resolve));
  });

  it('is not there unless it is asked for, and `syncer ui` says so', async () => {
    const daemon = await daemonWith();
    try {
      await expect(syncer(daemon.dataDir, 'ui')).rejects.toThrow(/--ui-addr/);
    } finally {
      await daemon.stop();
    }
  });

  it('listens on loopback alone when told so', async ({ skip }) => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((entry) => entry?.family === 'IPv4' && !entry.internal)?.address;
    if (outside === undefined) return void skip('this machine has no address but loopback');
    const daemon = await daemonWith('--ui-addr', '127.0.0.1:0');
    try {
      const link = new URL(await syncer(daemon.dataDir, 'ui'));
      await expect(ask(`http://${outside}:${link.port}`, '/')).rejects.toThrow(/ECONNREFUSED/);
      const cookie = await openLink(link.href);
      expect((await post(link.origin, 'topology', {}, { cookie })).status).toBe(200);
    } finally {
      await daemon.stop();
    }
  });
});
