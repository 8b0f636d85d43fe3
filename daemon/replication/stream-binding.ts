// Ties a session to a gRPC call: bytes to frames, the call's ends to the session's, and back.

import { status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import type { Buffer } from 'node:buffer';
import type { StreamEnd } from './frames.ts';
import { endStatus, isClean, statusEnd } from './grpc-service.ts';
import type { EdgeFigures } from './stream-figures.ts';

/** What both kinds of session have in common. */
interface Session<In> {
  start(): void;
  receive(frame: In): void;
  abort(end: StreamEnd): void;
  lost(reason: string): void;
  drained?(): void;
}

interface Port<Out> {
  send(frame: Out): boolean;
  end(end: StreamEnd): void;
}

/** A session, opened on a port. */
export interface OpenedSession<In> {
  readonly session: Session<In>;
  readonly figures: EdgeFigures;
}

export interface BindingOptions<In, Out> {
  /** Opens the session, or says why there is to be none. */
  open(port: Port<Out>): OpenedSession<In> | StreamEnd;
  encode(frame: Out): Buffer;
  decode(bytes: Uint8Array): In;
}

type Bytes = Buffer;
/** How long a closed call may take to be closed by the other side too. */
const closingMs = 1_000;

/** Runs a session on a call that a server has accepted. */
export function serveCall<In, Out>(
  call: ServerDuplexStream<Bytes, Bytes>,
  options: BindingOptions<In, Out>,
): void {
  const bound = bind(call, options, (end) => {
    if (isClean(end)) call.end();
    else call.emit('error', endStatus(end));
  });
  if (bound === undefined) return;
  call.on('end', () => bound.session.lost('the peer closed the stream'));
  call.on('cancelled', () => bound.session.lost('the connection was lost'));
  call.on('error', (error: Error) => bound.session.lost(error.message));
  bound.session.start();
}

/** Runs a session on a call that we have made; resolves with its end. */
export function runCall<In, Out>(
  call: ClientDuplexStream<Bytes, Bytes>,
  options: BindingOptions<In, Out>,
): Promise<StreamEnd> {
  return new Promise((resolve) => {
    const bound = bind(call, options, (end) => {
      if (isClean(end)) {
        // Let what was written reach the peer, a goodbye above all.
        call.end();
        setTimeout(() => call.cancel(), closingMs).unref();
      } else {
        call.cancel();
      }
      resolve(end);
    });
    call.on('error', () => undefined);
    if (bound === undefined) return;
    call.on('status', (result) => {
      // What came before the status may still be on its way to 'data'.
      setImmediate(() => {
        if (result.code === status.OK) bound.session.lost('the peer closed the stream');
        else bound.session.abort(statusEnd(result));
      });
    });
    bound.session.start();
  });
}

function bind<In, Out>(
  call: ClientDuplexStream<Bytes, Bytes> | ServerDuplexStream<Bytes, Bytes>,
  options: BindingOptions<In, Out>,
  close: (end: StreamEnd) => void,
): OpenedSession<In> | undefined {
  let isOver = false;
  const opened = options.open({
    send(frame) {
      if (isOver) return false;
      const bytes = options.encode(frame);
      if ('session' in opened) opened.figures.bytesOut += bytes.length;
      return call.write(bytes);
    },
    end(end) {
      if (isOver) return;
      isOver = true;
      close(end);
    },
  });
  if (!('session' in opened)) {
    isOver = true;
    close(opened);
    return undefined;
  }
  const { session } = opened;
  call.on('data', (bytes: Bytes) => {
    if (isOver) return;
    opened.figures.bytesIn += bytes.length;
    let frame: In;
    try {
      frame = options.decode(bytes);
    } catch (error) {
      session.abort({ code: 'protocol', reason: error instanceof Error ? error.message : '' });
      return;
    }
    session.receive(frame);
  });
  call.on('drain', () => session.drained?.());
  return opened;
}
