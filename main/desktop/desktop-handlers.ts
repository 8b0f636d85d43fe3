// The shell's own half of the contract: the daemon's process, settings, probes, the bundle.

import { readFile, writeFile } from 'node:fs/promises';
import { dialog, shell, type BrowserWindow } from 'electron';
import { SyncerError } from '../../proto/errors.ts';
import type { DesktopHandlers } from '../../proto/ipc/contract.ts';
import type { Translate } from '../../proto/translate.ts';
import {
  collectBundle,
  zipBundle,
  type BundleFiles,
  type BundleSources,
} from '../bundle/support-bundle.ts';
import { setConfigAside } from '../daemon/config-file.ts';
import type { Supervisor } from '../daemon/supervisor.ts';
import { probeJoin } from '../probes/join-probe.ts';
import { probeRegistry } from '../probes/registry-probe.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { pushed } from './pushed.ts';

export interface DesktopParts {
  readonly supervisor: Supervisor;
  readonly settings: SettingsStore;
  readonly bundle: BundleSources;
  readonly logFolder: string;
  /** The daemon's. */
  readonly configFile: string;
  readonly window: () => BrowserWindow | undefined;
  readonly say: () => Translate;
}

/** Largest settings file that is taken in. */
const largestImportBytes = 1024 * 1024;

export function desktopHandlers(parts: DesktopParts): DesktopHandlers {
  const { supervisor, settings } = parts;
  /** What was last shown is what is saved. */
  let previewed: BundleFiles | undefined;
  return {
    watchProcess: (_, signal) =>
      pushed(
        () => supervisor.process,
        (listener) => supervisor.onChange(listener),
        signal,
      ),
    start: async () => done(() => supervisor.start()),
    stop: async () => done(() => supervisor.stop()),
    restart: async () => done(() => supervisor.restart()),
    setConfigAside: async () => ({ path: setConfigAside(parts.configFile, Date.now()) }),

    settings: async () => settings.state,
    changeSettings: async ({ changes }) => settings.change(changes),
    watchSettings: (_, signal) =>
      pushed(
        () => settings.state.settings,
        (listener) => settings.onChange(listener),
        signal,
      ),

    probeRegistry: ({ address }) => probeRegistry(address),
    probeJoin: ({ address }) => probeJoin(address),

    async previewBundle() {
      previewed = await collectBundle(parts.bundle);
      return { files: previewed };
    },
    async saveBundle() {
      const files = previewed ?? (await collectBundle(parts.bundle));
      const day = new Date().toISOString().slice(0, 10);
      const path = await askWhereToSave(parts, 'desktop.bundle.title', `syncer-${day}.zip`);
      await write(path, zipBundle(files));
      return { path };
    },
    async exportSettings() {
      const path = await askWhereToSave(parts, 'desktop.export.title', 'syncer-desktop.yaml');
      await write(path, settings.exportText());
      return { path };
    },
    async importSettings() {
      const path = await askWhatToOpen(parts);
      return settings.importText(await read(path), path);
    },
    async openLogs() {
      const trouble = await shell.openPath(parts.logFolder);
      if (trouble === '') return null;
      throw new SyncerError('request.file-unreadable', { file: parts.logFolder, reason: trouble });
    },
  };
}

function done(run: () => void): null {
  run();
  return null;
}

async function askWhereToSave(
  { window, say }: DesktopParts,
  title: 'desktop.bundle.title' | 'desktop.export.title',
  defaultPath: string,
): Promise<string> {
  const options = { title: say()(title), defaultPath };
  const parent = window();
  const { canceled, filePath } = await (parent === undefined
    ? dialog.showSaveDialog(options)
    : dialog.showSaveDialog(parent, options));
  if (canceled || filePath === '') throw new SyncerError('request.cancelled');
  return filePath;
}

async function askWhatToOpen({ window, say }: DesktopParts): Promise<string> {
  const options: Electron.OpenDialogOptions = {
    title: say()('desktop.import.title'),
    message: say()('desktop.import.confirm'),
    properties: ['openFile'],
    filters: [{ name: 'YAML', extensions: ['yaml', 'yml'] }],
  };
  const parent = window();
  const { filePaths } = await (parent === undefined
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(parent, options));
  const [path] = filePaths;
  if (path === undefined) throw new SyncerError('request.cancelled');
  return path;
}

async function write(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content, { mode: 0o600 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('settings.unwritable', { file, reason }, cause);
  }
}

async function read(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > largestImportBytes) throw new Error('it is larger than 1 MiB');
    return bytes.toString('utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('request.file-unreadable', { file, reason }, cause);
  }
}
