// The keys of a pool, in order (serf-wire.md §2 "Encrypt"). The primary encrypts; every key is
// tried on what arrives, so that keys can be changed while the pool runs.

/** The keys cannot be what was asked for. The message says why. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
}

export class Keyring {
  /** The primary first. */
  #keys: readonly Uint8Array[];

  /** @param keys of 16, 24 or 32 bytes, the primary first; may be empty (no encryption) */
  constructor(keys: readonly Uint8Array[] = []) {
    this.#keys = [];
    for (const key of keys) this.install(key);
  }

  /** False: nothing is encrypted, and nothing encrypted can be read. */
  get enabled(): boolean {
    return this.#keys.length > 0;
  }

  get primary(): Uint8Array | undefined {
    return this.#keys[0];
  }

  /** All keys, the primary first. */
  keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** Adds a key behind the others; one that is there already stays where it is. */
  install(key: Uint8Array): void {
    if (![16, 24, 32].includes(key.length)) {
      throw new KeyringError(`a key has 16, 24 or 32 bytes, not ${key.length}`);
    }
    if (this.#find(key) < 0) this.#keys = [...this.#keys, Uint8Array.from(key)];
  }

  /** Makes a key the primary one. */
  use(key: Uint8Array): void {
    const index = this.#find(key);
    const chosen = this.#keys[index];
    if (chosen === undefined) throw new KeyringError('the requested key is not in the keyring');
    this.#keys = [chosen, ...this.#keys.filter((other) => other !== chosen)];
  }

  /** Forgets a key; the primary cannot be removed. One that is not there is not an error. */
  remove(key: Uint8Array): void {
    const index = this.#find(key);
    if (index === 0) throw new KeyringError('removing the primary key is not allowed');
    this.#keys = this.#keys.filter((_, position) => position !== index);
  }

  #find(key: Uint8Array): number {
    return this.#keys.findIndex((other) => Buffer.compare(other, key) === 0);
  }
}
