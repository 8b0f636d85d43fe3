// The settings in force: the person's file, with what an administrator fixes on top.

import { SyncerError } from '../../proto/errors.ts';
import type { Settings, SettingsState, settingsPatch } from '../../proto/ipc/settings.ts';
import type { z } from 'zod';
import { readPolicy } from './policy-file.ts';
import { parseSettings, readSettings, writeSettings } from './settings-file.ts';

export type SettingsPatch = z.output<typeof settingsPatch>;

export interface SettingsStore {
  readonly state: SettingsState;
  /** Changes some and writes the file. Throws `settings.locked`, `settings.unwritable`. */
  change(patch: SettingsPatch): SettingsState;
  /** The file's text as it would be written. */
  exportText(): string;
  /** Takes the settings of a text. Throws `settings.unreadable`, `settings.locked`. */
  importText(text: string, file: string): SettingsState;
  onChange(listener: (settings: Settings) => void): () => void;
}

export interface SettingsPlaces {
  readonly file: string;
  readonly policyFile: string;
  readonly nowMs: number;
}

export function openSettings({ file, policyFile, nowMs }: SettingsPlaces): SettingsStore {
  const read = readSettings(file, nowMs);
  const policy = readPolicy(policyFile);
  const { document, setAside } = read;
  let own = read.settings;
  const listeners = new Set<(settings: Settings) => void>();
  const inForce = (): Settings => ({ ...own, ...policy.values });
  const state = (): SettingsState => ({ settings: inForce(), locked: policy.locked, setAside });

  const take = (next: Settings): SettingsState => {
    try {
      writeSettings(file, document, next);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SyncerError('settings.unwritable', { file, reason }, cause);
    }
    own = next;
    for (const listener of listeners) listener(inForce());
    return state();
  };

  const refuseLocked = (keys: readonly string[]): void => {
    for (const key of keys) {
      const by = policy.locked[key];
      if (by !== undefined) throw new SyncerError('settings.locked', { key, file: by });
    }
  };

  return {
    get state() {
      return state();
    },
    change(patch) {
      const changed = Object.entries(patch).filter(([, value]) => value !== undefined);
      refuseLocked(changed.map(([key]) => key));
      return take(merge(own, patch));
    },
    exportText: () => document.toString(),
    importText(text, source) {
      const parsed = parseSettings(text);
      const [problem] = parsed.problems;
      if (problem !== undefined) {
        throw new SyncerError('settings.unreadable', { file: source, key: problem });
      }
      const keys = Object.keys(parsed.document.toJS() as Record<string, unknown>);
      refuseLocked(keys);
      return take(parsed.settings);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function merge(settings: Settings, { notifications, ...patch }: SettingsPatch): Settings {
  return {
    ...settings,
    ...present(patch),
    notifications: { ...settings.notifications, ...present(notifications ?? {}) },
  };
}

/** Without what is there and undefined. */
function present<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
