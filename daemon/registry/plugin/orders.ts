// What the syncer's thread says to a driver's thread.

import type { RegistryMemory } from '../driver.ts';
import type { CallName } from './border.ts';

/** What a driver's thread is started with. */
export interface WorkerSettings {
  readonly url: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export type Order =
  | { readonly type: 'start'; readonly memory: RegistryMemory | undefined }
  | { readonly type: 'wake' }
  | { readonly type: 'stop' }
  /** Asks whether the thread still turns. */
  | { readonly type: 'ping'; readonly id: number }
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: CallName;
      readonly args: readonly unknown[];
    }
  | { readonly type: 'cancel'; readonly id: number };
