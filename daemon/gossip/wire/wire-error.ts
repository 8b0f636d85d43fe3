// Why bytes could not be read.

/** The bytes break the protocol. The message says how; it never quotes more than a few bytes. */
export class WireError extends Error {
  override readonly name: string = 'WireError';
}

/** The bytes end before the value does: on a stream, read more and try again. */
export class IncompleteError extends WireError {
  override readonly name = 'IncompleteError';

  constructor() {
    super('the bytes end before the value does');
  }
}
