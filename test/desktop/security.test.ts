// What the page may not do, whatever it holds, and what the shell refuses to be asked: one test a row
// of the checklist.

import path from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Answer } from '../../proto/ipc/bridge.ts';
import { startShell, type Shell } from './shell.ts';
import { daemonConfig, describeShell, setStage, usedSettings, type Stage } from './stage.ts';

describeShell('the security of the shell', () => {
  let stage: Stage;
  let shell: Shell;

  beforeAll(async () => {
    stage = await setStage();
    shell = await startShell(stage.screen, {
      config: daemonConfig(stage.registry),
      settings: usedSettings,
    });
    await shell.daemonPid();
  });

  afterAll(async () => {
    await shell.close();
    await stage.close();
  });

  /** Evaluates in the page's own world, as a script of the page would. */
  const inPage = async (expression: string): Promise<unknown> =>
    (await shell.window()).evaluate(expression);

  it('runs its page in a sandbox, in a world of its own, without Node', async () => {
    const preferences = await shell.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      const contents = window?.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      return contents.getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
    });
    expect(await inPage('[typeof require, typeof process, typeof module, typeof Buffer]')).toEqual(
      Array.from({ length: 4 }, () => 'undefined'),
    );
    expect(await inPage('Object.keys(window.syncerHost)')).toEqual(['call', 'open']);
  });

  it('serves its page with a policy that has no unsafe source', async () => {
    const answer = (await inPage(
      `performance.getEntriesByType('navigation').map((entry) => entry.name)`,
    )) as string[];
    expect(answer[0]).toMatch(/^app:\/\/syncer\//);
    const policy = await shell.app.evaluate(async ({ net }) => {
      const response = await net.fetch('app://syncer/');
      return response.headers.get('content-security-policy') ?? '';
    });
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy.split('; ')).toContain(rule);
    }
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toContain('http');
  });

  it.each([
    [
      'an inline script',
      `new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
      })`,
      'script-src-elem',
    ],
    [
      'an inline style',
      `new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        const div = document.createElement('div');
        div.innerHTML = '<p style="color: red"></p>';
        document.body.append(div);
      })`,
      'style-src-attr',
    ],
    [
      'a frame',
      `new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        const frame = document.createElement('iframe');
        frame.src = 'app://syncer/index.html';
        document.body.append(frame);
      })`,
      'frame-src',
    ],
    [
      'the network',
      `new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        fetch('http://127.0.0.1:9/').catch(() => undefined);
      })`,
      'connect-src',
    ],
    [
      'words as program',
      // Later, because what a test tool evaluates may do more than a script of the page.
      `new Promise((resolve) => setTimeout(() => {
        try { resolve(Function('return 1')()); } catch (error) { resolve(error.name); }
      }))`,
      'EvalError',
    ],
  ])('refuses the page %s', async (_, expression, refused) => {
    expect(await inPage(expression)).toBe(refused);
    expect(await inPage('window.ran')).toBeUndefined();
  });

  it('opens no window', async () => {
    expect(await inPage(`String(window.open('https://example.org/'))`)).toBe('null');
    expect(await inPage(`String(window.open('app://syncer/index.html'))`)).toBe('null');
    expect(shell.app.windows()).toHaveLength(1);
  });

  it('gives no file but those of the page', async () => {
    const statuses = await shell.app.evaluate(async ({ net }) => {
      const found: Record<string, number> = {};
      for (const address of [
        'app://syncer/index.html',
        'app://syncer/../main/index.cjs',
        'app://syncer/%2e%2e/main/index.cjs',
        'app://syncer/..%2fmain%2findex.cjs',
        'app://syncer//etc/passwd',
        'app://other/index.html',
      ]) {
        const answer = await net.fetch(address).catch(() => undefined);
        found[address] = answer?.status ?? 404;
      }
      return found;
    });
    const { 'app://syncer/index.html': page, ...others } = statuses;
    expect(page).toBe(200);
    expect(new Set(Object.values(others))).toEqual(new Set([404]));
  });

  it('gives no rights but writing to the clipboard', async () => {
    expect(await inPage('Notification.requestPermission()')).toBe('denied');
    for (const name of ['geolocation', 'camera', 'microphone', 'midi', 'clipboard-read']) {
      const state = await inPage(
        `navigator.permissions.query({ name: '${name}' }).then((status) => status.state)`,
      );
      expect(`${name}: ${String(state)}`).toBe(`${name}: denied`);
    }
  });

  it('answers nobody but the main frame of its own page', async () => {
    const answer = await shell.app.evaluate(
      async ({ BrowserWindow, session }, preload) => {
        const window = new BrowserWindow({
          show: false,
          webPreferences: { preload, sandbox: true, session: session.fromPartition('stranger') },
        });
        await window.loadURL('data:text/html,<p>a stranger');
        const ask = `window.syncerHost.call('daemon', 'version', {})`;
        let said: unknown;
        // A document that is about to be replaced gives no answer.
        for (let count = 0; count < 200 && said === undefined; count += 1) {
          said = await window.webContents.executeJavaScript(ask).catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        window.destroy();
        return said;
      },
      path.join(inject('built'), 'main', 'preload.cjs'),
    );
    expect(answer).toMatchObject({ failure: { code: 'request.wrong-sender' } });
  });

  it.each([
    ['ill-typed', 'daemon', 'pause', { cluster: 7 }],
    ['incomplete', 'daemon', 'pause', {}],
    ['of more than the contract', 'daemon', 'pause', { cluster: '', more: true }],
    ['of a wrong setting', 'desktop', 'changeSettings', { changes: { theme: 'pink' } }],
    ['of an unknown setting', 'desktop', 'changeSettings', { changes: { shell: '/bin/sh' } }],
    ['not even an object', 'desktop', 'probeRegistry', null],
  ] as const)('refuses what is %s', async (_, group, name, request) => {
    expect(codeOf(await shell.call(group, name, request))).toBe('request.wrong-argument');
  });

  it('refuses what is too large', async () => {
    const answer = await shell.call('daemon', 'plan', { rules: 'x'.repeat(5 * 1024 * 1024) });
    expect(codeOf(answer)).toBe('request.too-large');
  });

  it('has no method but those of the contract', async () => {
    await expect(shell.call('daemon', 'shutdown')).rejects.toThrow(/No handler registered/);
  });

  it('bounds the streams of a page', async () => {
    const failures = (await inPage(`Promise.all(
      Array.from({ length: 80 }, () => new Promise((resolve) => {
        const close = window.syncerHost.open('desktop', 'watchSettings', {}, (event) => {
          resolve(event.kind === 'end' ? event.failure?.code : 'open');
          window.closers = [...(window.closers ?? []), close];
        });
      })),
    ).then((all) => { for (const close of window.closers) close(); return all; })`)) as string[];
    expect(failures).toContain('open');
    expect(failures).toContain('request.too-many');
  });

  // Last, because the test tool waits for a navigation that it saw begin.
  it.each(['https://example.org/', 'app://other/index.html'])(
    'does not leave for %s',
    async (to) => {
      const seen = await shell.app.evaluate(async ({ BrowserWindow }, address) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents;
        if (contents === undefined) throw new Error('there is no window');
        const before = contents.getURL();
        // The shell's own listener came first, and has decided.
        const prevented = new Promise<boolean>((resolve) => {
          contents.once('will-frame-navigate', (event) => resolve(event.defaultPrevented));
          contents.once('will-navigate', (event) => resolve(event.defaultPrevented));
          setTimeout(() => resolve(false), 60_000);
        });
        void contents.executeJavaScript(`void (location.href = ${JSON.stringify(address)})`);
        return { prevented: await prevented, stayed: contents.getURL() === before };
      }, to);
      expect(seen).toEqual({ prevented: true, stayed: true });
    },
  );
});

function codeOf(answer: Answer): string {
  return 'failure' in answer ? answer.failure.code : 'answered';
}
