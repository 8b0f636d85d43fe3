// Streams that others open to us: one request each (serf-wire.md §6), all of them bounded.

import type { Stream } from '../transport/transport.ts';
import { StreamError } from '../transport/transport.ts';
import { ackResp, errResp, messageType, ping, userMsgHeader } from '../wire/messages.ts';
import { DecryptError } from '../wire/encrypt.ts';
import {
  openStreamMessage,
  sealStreamMessage,
  StreamReader,
  type ByteSource,
  type StreamMessage,
} from '../wire/stream.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Core } from './core.ts';
import { formatAddress } from './node.ts';
import { MergeRefused, servePushPull } from './push-pull.ts';

export class StreamHandler {
  readonly #core: Core;
  readonly #open = new Set<Stream>();
  #pushPulls = 0;
  /** Bytes read so far by all streams that are open. */
  #bytesHeld = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get openStreams(): number {
    return this.#open.size;
  }

  /** Serves one stream to its end; whatever it holds, nothing is thrown. */
  async handle(stream: Stream): Promise<void> {
    const { counters } = this.#core;
    counters.add('streamsAccepted');
    this.#open.add(stream);
    const source = this.#metered(stream);
    try {
      await this.#serve(stream, source);
    } catch (error) {
      this.#failed(stream, error);
      if (error instanceof WireError) await this.#answerError(stream, error);
    } finally {
      this.#bytesHeld -= source.taken;
      this.#open.delete(stream);
      stream.destroy();
    }
  }

  /** Ends all that are open. */
  close(): void {
    for (const stream of this.#open) stream.destroy();
  }

  async #serve(stream: Stream, source: ByteSource): Promise<void> {
    const { config } = this.#core;
    const { streamBytes } = config.limits;
    const reader = new StreamReader(source, streamBytes);
    const message = await openStreamMessage(reader, this.#core.envelope(), streamBytes);
    switch (message.type) {
      case messageType.pushPull:
        return this.#pushPull(stream, message);
      case messageType.ping:
        return this.#ping(stream, message);
      case messageType.user:
        return this.#userMessage(message);
      default:
        throw new WireError(`a stream message of type ${message.type}`);
    }
  }

  async #pushPull(stream: Stream, message: StreamMessage): Promise<void> {
    const { config, counters } = this.#core;
    if (this.#pushPulls >= config.limits.maxPushPulls) {
      counters.add('pushPullsRefused');
      return;
    }
    this.#pushPulls += 1;
    try {
      await servePushPull(this.#core, stream, message);
    } finally {
      this.#pushPulls -= 1;
    }
  }

  async #ping(stream: Stream, { body }: StreamMessage): Promise<void> {
    const { config, counters } = this.#core;
    const { seqNo, node } = await body.value(ping);
    if (node !== '' && node !== config.name) {
      counters.add('pingsForOthers');
      return;
    }
    const answer = ackResp.encode({ seqNo, payload: undefined });
    await stream.write(sealStreamMessage(answer, this.#core.envelope()));
    stream.end();
  }

  async #userMessage({ body }: StreamMessage): Promise<void> {
    const { userMsgLen } = await body.value(userMsgHeader);
    this.#core.delegates.delegate?.notifyMessage(await body.bytes(userMsgLen));
  }

  /** Tells the other side why; it may be gone already. */
  async #answerError(stream: Stream, error: WireError): Promise<void> {
    try {
      const answer = errResp.encode({ error: error.message });
      await stream.write(sealStreamMessage(answer, this.#core.envelope()));
      stream.end();
      // What it still sends is read away, else closing would reset the connection before our
      // answer arrives. The stream's deadline bounds this.
      while ((await stream.read()) !== undefined);
    } catch (failure) {
      if (!(failure instanceof StreamError)) throw failure;
    }
  }

  #failed(stream: Stream, error: unknown): void {
    const { counters, trouble } = this.#core;
    const source = stream.remote.host;
    if (error instanceof DecryptError) {
      counters.add('streamsUndecryptable');
      trouble.note('key-mismatch', source, error.message);
    } else if (error instanceof WireError) {
      counters.add('streamsGarbage');
      trouble.note('garbage', source, error.message);
    } else if (error instanceof MergeRefused) {
      trouble.note('refused-merge', formatAddress(stream.remote), error.message);
    } else if (error instanceof StreamError) {
      counters.add('streamsBroken');
    } else {
      counters.add('internalErrors');
      trouble.note('garbage', source, `internal error: ${String(error)}`);
    }
  }

  /** Counts what is read: all open streams together may hold `allStreamBytes`. */
  #metered(stream: Stream): ByteSource & { taken: number } {
    const { allStreamBytes } = this.#core.config.limits;
    const source = {
      taken: 0,
      read: async (): Promise<Uint8Array | undefined> => {
        const chunk = await stream.read();
        if (chunk === undefined) return undefined;
        source.taken += chunk.length;
        this.#bytesHeld += chunk.length;
        if (this.#bytesHeld > allStreamBytes) {
          this.#core.counters.add('streamsOverMemory');
          throw new StreamError('ENOBUFS', 'all streams together hold too many bytes');
        }
        return chunk;
      },
    };
    return source;
  }
}
