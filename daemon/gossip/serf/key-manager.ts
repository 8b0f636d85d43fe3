// Keys of the whole pool, changed while it runs: a query tells every member, and each answers for
// itself (serf-wire.md §8 "Internal queries").

import type { Keyring } from '../memberlist/keyring.ts';
import type { KeyOperation, KeyOutcome } from '../pool.ts';
import { decodeKey, encodeKey, writeKeyringFile } from './keyring-file.ts';
import { keyRequest, keyResponse, type KeyResponse } from './messages.ts';
import { querySizeLimit, type QueryEngine } from './query.ts';

const queryNames: Readonly<Record<KeyOperation, string>> = {
  install: '_serf_install-key',
  use: '_serf_use-key',
  remove: '_serf_remove-key',
  list: '_serf_list-keys',
};

const operations = Object.keys(queryNames) as KeyOperation[];
/** What a response adds around the list of keys: times, ids, names. */
const responseOverhead = 300;

interface KeyManagerOptions {
  readonly keyring: Keyring;
  readonly keyringFile: string | undefined;
  readonly queries: QueryEngine;
}

export class KeyManager {
  readonly #options: KeyManagerOptions;
  /** Files are written one after the other. */
  #written: Promise<void> = Promise.resolve();

  constructor(options: KeyManagerOptions) {
    this.#options = options;
    for (const operation of operations) {
      options.queries.answer(queryNames[operation], async ({ payload }) =>
        this.#answer(operation, payload),
      );
    }
  }

  /**
   * Has every member install, use, remove or list. Resolves with what each said; rejects where
   * `key` is no key (`KeyringFileError`).
   */
  async run(operation: KeyOperation, key: string | undefined): Promise<KeyOutcome> {
    const bytes =
      operation === 'list' ? new Uint8Array(0) : decodeKey(key ?? '', `the key to ${operation}`);
    const { responses, asked } = await this.#options.queries.ask(
      queryNames[operation],
      keyRequest.encode({ key: bytes }),
      {},
    );
    const errors: Record<string, string> = {};
    const keys: Record<string, number> = {};
    const primaryKeys: Record<string, number> = {};
    for (const { from, payload } of responses) {
      const answer = readAnswer(payload);
      if (!answer.result || answer.message !== '') {
        errors[from] = answer.message === '' ? 'refused without a reason' : answer.message;
      }
      for (const held of answer.keys ?? []) keys[held] = (keys[held] ?? 0) + 1;
      const { primaryKey } = answer;
      if (primaryKey !== undefined) primaryKeys[primaryKey] = (primaryKeys[primaryKey] ?? 0) + 1;
    }
    return { asked, answered: responses.length, errors, keys, primaryKeys };
  }

  async #answer(operation: KeyOperation, payload: Uint8Array): Promise<Uint8Array> {
    try {
      if (!this.#options.keyring.enabled) {
        throw new Error('No keyring to modify (encryption not enabled)');
      }
      if (operation === 'list') return this.#list();
      await this.#change(operation, readRequest(payload));
      return keyResponse.encode({ result: true, message: '', keys: undefined });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return keyResponse.encode({ result: false, message: message.slice(0, 200), keys: undefined });
    }
  }

  async #change(operation: 'install' | 'use' | 'remove', key: Uint8Array): Promise<void> {
    const { keyring, keyringFile } = this.#options;
    keyring[operation](key);
    if (keyringFile === undefined) return;
    this.#written = this.#written
      .catch(() => undefined)
      .then(() => writeKeyringFile(keyringFile, keyring.keys()));
    await this.#written;
  }

  /** As many keys as an answer may hold. */
  #list(): Uint8Array {
    const keys = this.#options.keyring.keys().map(encodeKey);
    const [primaryKey] = keys;
    for (let shown = keys.length; ; shown -= 1) {
      const encoded = keyResponse.encode({
        result: true,
        message:
          shown === keys.length
            ? ''
            : `truncated key list response, showing first ${shown} of ${keys.length} keys`,
        keys: keys.slice(0, shown),
        ...(primaryKey === undefined ? {} : { primaryKey }),
      });
      if (encoded.length <= querySizeLimit - responseOverhead || shown === 0) return encoded;
    }
  }
}

function readRequest(payload: Uint8Array): Uint8Array {
  if (payload[0] !== keyRequest.type) throw new Error('the request is no key request');
  return Uint8Array.from(keyRequest.decode(payload.subarray(1)).key);
}

function readAnswer(payload: Uint8Array): KeyResponse {
  try {
    if (payload[0] === keyResponse.type) return keyResponse.decode(payload.subarray(1));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return { result: false, message: 'the answer cannot be read', keys: undefined };
}
