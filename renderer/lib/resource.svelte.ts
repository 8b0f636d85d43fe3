// An answer of the daemon that is asked for again as its state changes. When asking fails, the last
// answer stays, with its age.

export class Resource<T> {
  /** The last good answer. */
  value = $state.raw<T | undefined>();
  /** When it came, by this machine's clock. */
  loadedMs = $state(0);
  /** Why the last request failed; undefined: it did not. */
  error = $state.raw<unknown>();
  readonly #load: () => Promise<T>;
  #newest = 0;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Asks again. An answer that is overtaken by a later request is dropped. */
  async refresh(): Promise<void> {
    const asked = ++this.#newest;
    try {
      const value = await this.#load();
      if (asked !== this.#newest) return;
      this.value = value;
      this.loadedMs = Date.now();
      this.error = undefined;
    } catch (error) {
      if (asked === this.#newest) this.error = error;
    }
  }

  /** Forgets the answer, for a question that has become another one. */
  clear(): void {
    this.#newest += 1;
    this.value = undefined;
    this.error = undefined;
  }
}
