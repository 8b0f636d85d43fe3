// What the desktop shell would answer: probes, settings, process. Registry and pool addresses that
// the probes know: 127.0.0.1:30100 is a registry, :30190 a gossip port, :30191 an RPC port.

import type { DaemonProcess, DesktopHandlers } from '../../../proto/ipc/contract.ts';
import { settingsSchema, type Settings, type SettingsState } from '../../../proto/ipc/settings.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FakeDesktopOptions {
  readonly wizardDone: boolean;
  readonly language?: Settings['language'];
  readonly theme?: Settings['theme'];
  readonly process?: DaemonProcess;
}

const running: DaemonProcess = {
  state: 'running',
  pid: 4_242,
  sinceMs: 0,
  restarts: 0,
  reason: '',
  lastLines: [],
};

export function createFakeDesktop(options: FakeDesktopOptions): DesktopHandlers {
  let settings: Settings = settingsSchema.parse({
    wizardDone: options.wizardDone,
    language: options.language,
    theme: options.theme,
  });
  let process = options.process ?? running;
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const state = (): SettingsState => ({
    settings,
    locked: { startHidden: '/etc/syncer/desktop.yaml' },
    setAside: '',
  });
  async function* follow<T>(read: () => T, signal: AbortSignal): AsyncGenerator<T> {
    let wake: (() => void) | undefined;
    const hear = (): void => wake?.();
    listeners.add(hear);
    signal.addEventListener('abort', hear);
    try {
      while (!signal.aborted) {
        const next = new Promise<void>((resolve) => (wake = resolve));
        yield read();
        await next;
      }
    } finally {
      listeners.delete(hear);
    }
  }
  const become = async (next: DaemonProcess['state']): Promise<null> => {
    process = { ...running, state: next };
    changed();
    return null;
  };
  return {
    watchProcess: (_request, signal) => follow(() => process, signal),
    start: () => become('running'),
    stop: () => become('stopped'),
    restart: () => become('running'),
    setConfigAside: async () => ({ path: '~/.config/syncer/syncer.yaml.unreadable' }),
    settings: async () => state(),
    changeSettings: async ({ changes }) => {
      const { notifications, ...rest } = changes;
      settings = settingsSchema.parse({
        ...settings,
        ...rest,
        notifications: { ...settings.notifications, ...notifications },
      });
      changed();
      return state();
    },
    watchSettings: (_request, signal) => follow(() => settings, signal),
    probeRegistry: async ({ address }) => {
      await sleep(30);
      return address.includes(':30100')
        ? {
            ok: true,
            found: 'servicecenter',
            detail: { version: '2.3.0', services: 214, tookMs: 12 },
          }
        : { ok: false, found: 'nothing', detail: { reason: 'connect ECONNREFUSED' } };
    },
    probeJoin: async ({ address }) => {
      await sleep(30);
      const [host = '', port = ''] = address.split(':');
      const place = { host, port: Number(port) };
      if (port === '30190') return { ok: true, found: 'gossip', detail: { ...place, tookMs: 4 } };
      if (port === '30191') return { ok: false, found: 'rpc-port', detail: place };
      return { ok: false, found: 'nothing', detail: { ...place, reason: 'connect ECONNREFUSED' } };
    },
    previewBundle: async () => ({
      files: [
        { name: 'versions.json', bytes: 212, text: '{\n  "syncer": "0.1.0"\n}\n' },
        {
          name: 'config.yaml',
          bytes: 640,
          text: 'clusterName: beijing\ngossip:\n  keys: [<redacted>]\n',
        },
        { name: 'log.jsonl', bytes: 48_200, text: '{"level":"info","msg":"a member joined"}\n' },
      ],
    }),
    saveBundle: async () => ({ path: '~/Downloads/syncer-support.zip' }),
    exportSettings: async () => ({ path: '~/Downloads/syncer-settings.yaml' }),
    importSettings: async () => state(),
    openLogs: async () => null,
  };
}
