// A live check of what is being typed: asked a moment after the last letter, the newest answer wins.

import type { ProbeResult } from '../../proto/ipc/contract.ts';

export type Probing =
  | { readonly state: 'idle' }
  | { readonly state: 'asking' }
  | { readonly state: 'answered'; readonly results: readonly Probed[] }
  | { readonly state: 'failed'; readonly error: unknown };

export interface Probed {
  readonly address: string;
  readonly result: ProbeResult;
}

/** Pause in typing before anybody is asked. Raising it makes the answer later. */
const askAfterMs = 350;

export class Probe {
  now = $state.raw<Probing>({ state: 'idle' });
  readonly #ask: (address: string) => Promise<ProbeResult>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(ask: (address: string) => Promise<ProbeResult>) {
    this.#ask = ask;
  }

  /** Checks these addresses; none: nothing is checked. */
  check(addresses: readonly string[]): void {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    if (addresses.length === 0) {
      this.now = { state: 'idle' };
      return;
    }
    this.now = { state: 'asking' };
    this.#timer = setTimeout(() => void this.#run(addresses, asked), askAfterMs);
  }

  async #run(addresses: readonly string[], asked: number): Promise<void> {
    let answer: Probing;
    try {
      const results = await Promise.all(
        addresses.map(async (address) => ({ address, result: await this.#ask(address) })),
      );
      answer = { state: 'answered', results };
    } catch (error) {
      answer = { state: 'failed', error };
    }
    if (asked === this.#asked) this.now = answer;
  }
}
