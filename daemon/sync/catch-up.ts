// Whether a peer has told all that happened while it was not heard: what its first healthy heartbeat of
// this stream counts has arrived. Until then all that is known of it may have been overtaken.

import type { Position } from '../model/records.ts';

export class CatchUp {
  /** Where its log stood when the stream began to flow; undefined: not said yet. */
  #goal: Position | undefined;
  #current = false;

  get isCurrent(): boolean {
    return this.#current;
  }

  /** It is not heard any more, or begins anew. */
  fallBehind(): void {
    this.#current = false;
    this.#goal = undefined;
  }

  /** A healthy heartbeat says where its log stands; the first one counts. */
  heard(position: Position): void {
    this.#goal ??= position;
  }

  /** We hold its log up to `at`. Gives true when that has just made it current. */
  reached(at: Position | undefined): boolean {
    if (this.#current || this.#goal === undefined) return false;
    this.#current = hasReached(at, this.#goal);
    return this.#current;
  }
}

/** What a log held at `goal` is in what we hold of it up to `at`. */
export function hasReached(at: Position | undefined, goal: Position): boolean {
  return at?.epoch === goal.epoch && at.revision >= goal.revision;
}
