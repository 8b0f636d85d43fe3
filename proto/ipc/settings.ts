// What the desktop shell keeps of a person's wishes. The daemon's own configuration is another file
// (daemon/config); this one holds what only a desktop has.

import { z } from 'zod';

/** Grows with each change of meaning; `main/settings/migrations.ts` leads from one to the next. */
export const settingsVersion = 1;

export const settingsSchema = z.strictObject({
  language: z.enum(['system', 'en', 'zh-CN']).default('system'),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  startAtLogin: z.boolean().default(false),
  startHidden: z.boolean().default(false),
  /** What the window's close button does. */
  onClose: z.enum(['hide', 'quit']).default('hide'),
  /** The daemon goes on when the shell quits. */
  keepDaemonOnQuit: z.boolean().default(true),
  /** The shell starts the daemon when it starts. */
  startDaemon: z.boolean().default(true),
  notifications: z
    .strictObject({
      peers: z.boolean().default(true),
      registry: z.boolean().default(true),
      held: z.boolean().default(true),
      daemon: z.boolean().default(true),
    })
    .prefault({}),
  /** The first-run wizard has been finished or left. */
  wizardDone: z.boolean().default(false),
});

export type Settings = z.output<typeof settingsSchema>;

/** A change of some of them. */
export const settingsPatch = z.strictObject({
  language: settingsSchema.shape.language.unwrap().optional(),
  theme: settingsSchema.shape.theme.unwrap().optional(),
  startAtLogin: z.boolean().optional(),
  startHidden: z.boolean().optional(),
  onClose: settingsSchema.shape.onClose.unwrap().optional(),
  keepDaemonOnQuit: z.boolean().optional(),
  startDaemon: z.boolean().optional(),
  notifications: z
    .strictObject({
      peers: z.boolean().optional(),
      registry: z.boolean().optional(),
      held: z.boolean().optional(),
      daemon: z.boolean().optional(),
    })
    .optional(),
  wizardDone: z.boolean().optional(),
});

export interface SettingsState {
  readonly settings: Settings;
  /** Keys that an administrator's file fixes, with its path. */
  readonly locked: Readonly<Record<string, string>>;
  /** The path of a file that could not be read and was set aside; empty: none. */
  readonly setAside: string;
}
