// What memberlist needs of a network: datagrams, streams with deadlines, and names. The real one
// is `net-transport.ts`; simulation uses `memory-transport.ts`.

/** A socket address; `host` is a literal IPv4 or IPv6 address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One stream connection. Every method fails or gives `undefined` after `destroy`. */
export interface Stream {
  readonly remote: Address;
  /**
   * The next bytes; `undefined` once the other side has finished. Rejects with
   * `StreamTimeoutError` at the deadline and with a `StreamError` when the connection breaks.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Sends bytes; resolves when they have left this process. Rejects as `read`. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more writes; what was written still arrives. */
  end(): void;
  /** Closes at once, both ways. Idempotent. */
  destroy(): void;
}

/** The connection could not be made or broke. `code` is Node's (`ECONNREFUSED`, ...). */
export class StreamError extends Error {
  override readonly name: string = 'StreamError';
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** The deadline of a stream passed. */
export class StreamTimeoutError extends StreamError {
  override readonly name = 'StreamTimeoutError';

  constructor(detail: string) {
    super('ETIMEDOUT', detail);
  }
}

/** Who is told of what arrives. Neither function may throw. */
export interface TransportHandlers {
  readonly datagram: (bytes: Uint8Array, from: Address) => void;
  /** A peer connected; the receiver owns the stream and destroys it. */
  readonly stream: (stream: Stream) => void;
}

export interface Transport {
  /** What it is bound to. */
  readonly local: Address;
  /** Best effort; never throws. A datagram that cannot be sent is counted in `sendErrors`. */
  send(to: Address, bytes: Uint8Array): void;
  /** Connects; everything on the stream, connecting included, must be done by `deadlineMs` (monotonic). */
  dial(to: Address, deadlineMs: number): Promise<Stream>;
  /** All addresses of a host name, in the resolver's order; a literal address gives itself. */
  resolve(host: string): Promise<readonly string[]>;
  /** Addresses of this host that peers may reach; neither loopback nor link-local ones. */
  hostAddresses(): readonly string[];
  /** Runs `run` soon, after timers that are due have had their turn. */
  defer(run: () => void): void;
  /** Datagrams that the system refused to send, since the start. */
  readonly sendErrors: number;
  /** Streams that were closed when accepted because `maxStreams` were open, since the start. */
  readonly streamsRefused: number;
  close(): Promise<void>;
}

export interface BindOptions {
  readonly host: string;
  /** 0: any port that is free for datagrams and for streams. */
  readonly port: number;
  /** Accepted streams are destroyed after this time, whatever they do. */
  readonly streamTimeoutMs: number;
  /** Open accepted streams above this are refused at once. */
  readonly maxStreams: number;
}

/** Binds both halves of a transport. Rejects with the reason (port in use, no such address, ...). */
export type OpenTransport = (bind: BindOptions, handlers: TransportHandlers) => Promise<Transport>;
