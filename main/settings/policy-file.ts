// What an administrator fixes for everybody on this machine: a file of the same keys, in a place that
// only he can write.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from '../../proto/ipc/settings.ts';
import { parseSettings } from './settings-file.ts';

export interface Policy {
  readonly values: Partial<Settings>;
  /** Key → the file that fixes it. */
  readonly locked: Readonly<Record<string, string>>;
}

/** Gives where the administrator's file lies. */
export function policyFile(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  switch (platform) {
    case 'win32':
      return path.win32.join(
        environment.ProgramData ?? 'C:\\ProgramData',
        'syncer',
        'desktop.yaml',
      );
    case 'darwin':
      return '/Library/Application Support/syncer/desktop.yaml';
    default:
      return '/etc/syncer/desktop.yaml';
  }
}

/** Reads it; what is wrong in it fixes nothing. */
export function readPolicy(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return { values: {}, locked: {} };
  }
  const { settings, document } = parseSettings(text);
  const named = Object.keys((document.toJS() as Record<string, unknown> | null) ?? {});
  const keys = named.filter((key): key is keyof Settings => Object.hasOwn(settings, key));
  return {
    values: Object.fromEntries(keys.map((key) => [key, settings[key]])),
    locked: Object.fromEntries(keys.map((key) => [key, file])),
  };
}
