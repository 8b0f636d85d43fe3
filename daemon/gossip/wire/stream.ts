// One message on a stream (serf-wire.md §2 "TCP send", §6): [label] + (encrypt(compress(message))).
// Only an encrypted one has an outer length, so everything is read as it comes.

import { compressMessage, decompressMessage } from './compress.ts';
import type { Envelope } from './datagram.ts';
import { decryptPayload, DecryptError, encryptOverhead, encryptPayload } from './encrypt.ts';
import { labelHeader, stripLabel } from './label.ts';
import { compressed, messageType } from './messages.ts';
import { decodeValue, type Kind } from './table.ts';
import { IncompleteError, WireError } from './wire-error.ts';

const headerSize = 5;

/** The bytes of one message for a stream. */
export function sealStreamMessage(message: Uint8Array, envelope: Envelope): Uint8Array {
  const plain = envelope.compression ? compressMessage(message) : message;
  const header = labelHeader(envelope.label);
  const [primary] = envelope.keys;
  if (primary === undefined || !envelope.encryptOutgoing) return Buffer.concat([header, plain]);
  const frame = Buffer.alloc(headerSize);
  frame[0] = messageType.encrypt;
  frame.writeUInt32BE(plain.length + encryptOverhead, 1);
  const associated = Buffer.concat([frame, envelope.label]);
  return Buffer.concat([header, frame, encryptPayload(1, primary, plain, associated)]);
}

/** Where bytes come from; `undefined` is the end. */
export interface ByteSource {
  read(): Promise<Uint8Array | undefined>;
}

/** Reads values off a stream, waiting for more bytes where one is incomplete. */
export class StreamReader {
  readonly #source: ByteSource | undefined;
  readonly #maxBytes: number;
  #buffer: Buffer;
  #start = 0;
  #end: number;

  /** @param maxBytes what may wait unread; more is refused with a `WireError` */
  constructor(source: ByteSource | undefined, maxBytes: number, initial?: Uint8Array) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#buffer = Buffer.from(initial ?? []);
    this.#end = this.#buffer.length;
  }

  /** What has arrived and not been consumed. */
  get unread(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  async byte(): Promise<number> {
    const [value = 0] = await this.bytes(1);
    return value;
  }

  /** Exactly `length` bytes, as a view that stays valid. */
  async bytes(length: number): Promise<Uint8Array> {
    if (length > this.#maxBytes) {
      throw new WireError(`${length} bytes where at most ${this.#maxBytes} are allowed`);
    }
    return this.#consume((bytes) => {
      if (bytes.length < length) throw new IncompleteError();
      return { value: bytes.subarray(0, length), end: length };
    });
  }

  async value<T>(kind: Kind<T>): Promise<T> {
    return this.#consume((bytes) => decodeValue(kind, bytes));
  }

  /** Takes off the label, which must be ours. */
  async label(label: Uint8Array): Promise<void> {
    await this.#consume((bytes) => {
      if (bytes.length === 0) throw new IncompleteError();
      return { value: undefined, end: bytes.length - stripLabel(bytes, label).length };
    });
  }

  async #consume<T>(
    take: (bytes: Uint8Array) => { readonly value: T; readonly end: number },
  ): Promise<T> {
    for (;;) {
      try {
        const { value, end } = take(this.unread);
        this.#start += end;
        return value;
      } catch (error) {
        if (!(error instanceof IncompleteError)) throw error;
      }
      const chunk = await this.#source?.read();
      if (chunk === undefined) throw new WireError('the stream ended in the middle of a message');
      this.#append(chunk);
    }
  }

  #append(chunk: Uint8Array): void {
    const unread = this.#end - this.#start;
    if (unread > this.#maxBytes + headerSize) {
      throw new WireError(`more than ${this.#maxBytes} bytes in one message`);
    }
    if (this.#end + chunk.length > this.#buffer.length) {
      // A new buffer each time: views that were handed out stay as they are.
      const grown = Buffer.allocUnsafe(Math.max(4096, 2 * (unread + chunk.length)));
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = unread;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

/** A message that has begun to arrive: its type, and where its body is read from. */
export interface StreamMessage {
  readonly type: number;
  readonly body: StreamReader;
}

/**
 * Reads a message's envelope. Throws `DecryptError` when encryption is missing, unexpected or of
 * another key, `WireError` for nonsense or more than `maxBytes`.
 */
export async function openStreamMessage(
  reader: StreamReader,
  envelope: Envelope,
  maxBytes: number,
): Promise<StreamMessage> {
  await reader.label(envelope.label);
  let body = reader;
  let type = await body.byte();
  if (type === messageType.encrypt) {
    if (envelope.keys.length === 0) {
      throw new DecryptError('the message is encrypted and we have no key');
    }
    const lengthBytes = await body.bytes(4);
    const length = Buffer.from(lengthBytes).readUInt32BE();
    const payload = await body.bytes(length);
    const associated = Buffer.concat([Uint8Array.of(type), lengthBytes, envelope.label]);
    const plain = decryptPayload(envelope.keys, payload, associated);
    body = new StreamReader(undefined, maxBytes, plain);
    type = await body.byte();
  } else if (envelope.keys.length > 0 && envelope.verifyIncoming) {
    throw new DecryptError('the message is not encrypted and we have a key');
  }
  if (type === messageType.compress) {
    const plain = decompressMessage(await body.value(compressed), maxBytes);
    body = new StreamReader(undefined, maxBytes, plain);
    type = await body.byte();
  }
  return { type, body };
}
