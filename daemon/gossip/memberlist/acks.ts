// Pings that wait for their answer, by sequence number (serf-wire.md §4).

/** What a ping waits for. */
export interface AckHandler {
  readonly ack: (payload: Uint8Array) => void;
  readonly nack?: () => void;
}

export class AckTable {
  readonly #handlers = new Map<number, AckHandler>();
  #seqNo = 0;

  /** The next sequence number: 1 first, 32 bits. */
  nextSeqNo(): number {
    this.#seqNo = (this.#seqNo + 1) >>> 0;
    return this.#seqNo;
  }

  get waiting(): number {
    return this.#handlers.size;
  }

  expect(seqNo: number, handler: AckHandler): void {
    this.#handlers.set(seqNo, handler);
  }

  forget(seqNo: number): void {
    this.#handlers.delete(seqNo);
  }

  /** An ack came; only the first of a sequence number counts. False: nobody waits for it. */
  acked(seqNo: number, payload: Uint8Array): boolean {
    const handler = this.#handlers.get(seqNo);
    this.#handlers.delete(seqNo);
    handler?.ack(payload);
    return handler !== undefined;
  }

  nacked(seqNo: number): boolean {
    const handler = this.#handlers.get(seqNo);
    handler?.nack?.();
    return handler !== undefined;
  }
}
