// Frames on their way to the importer: their numbers, how much of its window they take, and what the
// exporter knows of it once they are acknowledged. Pure.

interface Flight {
  readonly sequence: number;
  readonly bytes: number;
  /** Where the importer stands once it has taken this frame; `undefined`: amid something. */
  readonly revision: number | undefined;
}

export class SendWindow {
  #limitBytes = 0;
  #sequence = 0;
  #flights: Flight[] = [];
  #bytes = 0;

  /** Bytes sent and not yet acknowledged. */
  get bytes(): number {
    return this.#bytes;
  }
  /** The number of the last frame that was sent; 0: none. */
  get sequence(): number {
    return this.#sequence;
  }
  /** One more frame may go, of whatever size. */
  get isOpen(): boolean {
    return this.#bytes < this.#limitBytes;
  }

  /** The importer takes so many bytes before it acknowledges; until this is said, none. */
  open(limitBytes: number): void {
    this.#limitBytes = limitBytes;
  }

  /** Counts a frame in; gives its number. */
  sent(bytes: number, revision: number | undefined): number {
    const sequence = ++this.#sequence;
    this.#flights.push({ sequence, bytes, revision });
    this.#bytes += bytes;
    return sequence;
  }

  /** Frames up to `sequence` have arrived; gives the last revision among them, if one has any. */
  acknowledged(sequence: number): number | undefined {
    const kept = this.#flights.findIndex((flight) => flight.sequence > sequence);
    const done = this.#flights.splice(0, kept === -1 ? this.#flights.length : kept);
    for (const { bytes } of done) this.#bytes -= bytes;
    return done.findLast(({ revision }) => revision !== undefined)?.revision;
  }

  /** Nothing is on its way any more: the stream is over. */
  clear(): void {
    this.#flights = [];
    this.#bytes = 0;
  }
}
