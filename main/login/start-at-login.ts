// Starts the shell when the person logs in: Windows and macOS have a call for it, other desktops a
// file (the XDG autostart specification).

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { App } from 'electron';

export interface LoginItem {
  set(wanted: boolean): void;
}

export interface LoginItemSettings {
  readonly app: App;
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is to be started, with its arguments. */
  readonly command: readonly string[];
}

export function createLoginItem(settings: LoginItemSettings): LoginItem {
  const { app, platform, environment, command } = settings;
  if (platform === 'win32' || platform === 'darwin') {
    const [file = '', ...args] = command;
    return { set: (openAtLogin) => app.setLoginItemSettings({ openAtLogin, path: file, args }) };
  }
  return xdgAutostart(path.join(configHome(app, environment), 'autostart'), command);
}

const fileName = 'servicecenter-syncer.desktop';

/** An entry in a folder of `.desktop` files. */
export function xdgAutostart(folder: string, command: readonly string[]): LoginItem {
  const file = path.join(folder, fileName);
  return {
    set(wanted) {
      if (!wanted) {
        rmSync(file, { force: true });
        return;
      }
      const text = desktopEntry(command);
      if (isAlready(file, text)) return;
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text);
    },
  };
}

function desktopEntry(command: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=ServiceCenter Syncer',
    `Exec=${command.map(quoted).join(' ')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** Quoting of the Desktop Entry specification: first of the argument, then of the value. */
function quoted(argument: string): string {
  if (/^[\w@:./=+-]+$/.test(argument)) return argument;
  const inner = argument.replaceAll(/["`$\\]/g, String.raw`\$&`).replaceAll('\\', '\\\\');
  return `"${inner.replaceAll('%', '%%')}"`;
}

function isAlready(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text;
  } catch {
    return false;
  }
}

function configHome(app: App, environment: LoginItemSettings['environment']): string {
  const named = environment.XDG_CONFIG_HOME;
  return named?.startsWith('/') === true ? named : path.join(app.getPath('home'), '.config');
}
