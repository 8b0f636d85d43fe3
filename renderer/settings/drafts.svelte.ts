// Changes to the configuration that are not applied yet, checked by the daemon as they are typed.

import type { ConfigEntry, ConfigProblem } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonClient } from '../../proto/ipc/contract.ts';
import { fromText, kindOf, toText } from './keys.ts';

export interface Change {
  readonly key: string;
  readonly valueJson?: string;
}

/** Pause in typing before the daemon is asked. Raising it makes the answer later. */
const checkAfterMs = 250;

export class Drafts {
  /** Key → what stands in its field, where that differs from what is in force. */
  texts = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Keys whose text means nothing. */
  unreadable = $state.raw<ReadonlySet<string>>(new Set());
  problems = $state.raw<readonly ConfigProblem[]>([]);
  restartKeys = $state.raw<readonly string[]>([]);
  /** The daemon has not answered about the last change yet. */
  checking = $state(false);
  error = $state.raw<unknown>();
  #changes = $state.raw<ReadonlyMap<string, Change>>(new Map());
  readonly #daemon: DaemonClient;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(daemon: DaemonClient) {
    this.#daemon = daemon;
  }

  get changes(): readonly Change[] {
    return [...this.#changes.values()];
  }

  write(entry: ConfigEntry, text: string): void {
    const { key, valueJson } = entry;
    const kind = kindOf(entry);
    const texts = new Map(this.texts);
    const changes = new Map(this.#changes);
    const unreadable = new Set(this.unreadable);
    texts.delete(key);
    changes.delete(key);
    unreadable.delete(key);
    if (text !== toText(kind, valueJson)) {
      texts.set(key, text);
      const meaning = fromText(kind, text);
      if ('unreadable' in meaning) unreadable.add(key);
      else {
        const { valueJson: json } = meaning;
        changes.set(key, json === undefined ? { key } : { key, valueJson: json });
      }
    }
    this.texts = texts;
    this.#changes = changes;
    this.unreadable = unreadable;
    this.#check();
  }

  discard(): void {
    this.texts = new Map();
    this.#changes = new Map();
    this.unreadable = new Set();
    this.#check();
  }

  #check(): void {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    if (this.#changes.size === 0) {
      this.problems = [];
      this.restartKeys = [];
      this.checking = false;
      return;
    }
    this.checking = true;
    this.#timer = setTimeout(() => void this.#ask(asked), checkAfterMs);
  }

  async #ask(asked: number): Promise<void> {
    try {
      const verdict = await this.#daemon.validateConfig({ changes: [...this.changes] });
      if (asked !== this.#asked) return;
      this.problems = verdict.problems;
      this.restartKeys = verdict.restartKeys;
      this.error = undefined;
    } catch (error) {
      if (asked === this.#asked) this.error = error;
    }
    if (asked === this.#asked) this.checking = false;
  }
}
