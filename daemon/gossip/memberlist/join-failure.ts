// Why a join failed, in words that help: what answered on the port, or what the two sides do not
// share (pool.ts `JoinFailure`).

import type { JoinFailure } from '../pool.ts';
import { StreamError, StreamTimeoutError } from '../transport/transport.ts';
import { DecryptError } from '../wire/encrypt.ts';
import { AnswerError, MergeRefused, RemoteError } from './push-pull.ts';

type Reason = Pick<JoinFailure, 'reason' | 'detail'>;

/** Tells the reason of a failed push/pull. */
export function joinFailureReason(error: unknown): Reason {
  if (error instanceof AnswerError) return answerReason(error);
  if (error instanceof MergeRefused) return { reason: 'refused-merge', detail: error.message };
  if (error instanceof StreamTimeoutError) return { reason: 'timeout', detail: error.message };
  if (error instanceof StreamError) return { reason: 'unreachable', detail: error.message };
  return { reason: 'bad-answer', detail: String(error instanceof Error ? error.message : error) };
}

function answerReason(error: AnswerError): Reason {
  const { cause, beginning } = error;
  // What kind of server it is says more than how its answer failed to be ours.
  const foreign = foreignServer(beginning);
  if (foreign !== undefined) return foreign;
  if (cause instanceof DecryptError) return { reason: 'key', detail: cause.message };
  if (cause instanceof RemoteError) return remoteReason(cause.message);
  if (cause instanceof StreamTimeoutError) return { reason: 'timeout', detail: cause.message };
  if (cause instanceof StreamError) {
    return { reason: 'bad-answer', detail: `the peer broke the connection: ${cause.message}` };
  }
  return { reason: 'bad-answer', detail: `the answer is not one of a member: ${error.message}` };
}

/** The texts are those of memberlist and of our own stream handler. */
function remoteReason(message: string): Reason {
  if (/encrypt|decrypt|installed key/i.test(message)) {
    return { reason: 'key', detail: `the peer says: ${message}` };
  }
  if (/protocol|version|conflict|merge/i.test(message)) {
    return { reason: 'refused-merge', detail: `the peer says: ${message}` };
  }
  return { reason: 'bad-answer', detail: `the peer says: ${message}` };
}

/** Recognises the servers that people take for a gossip port. */
function foreignServer(beginning: Uint8Array): Reason | undefined {
  const text = Buffer.from(beginning.subarray(0, 16)).toString('latin1');
  if (text.startsWith('HTTP/')) {
    return { reason: 'http-port', detail: `the port speaks HTTP: "${text.replace(/\r.*/s, '')}"` };
  }
  if (isHttp2(beginning)) return { reason: 'rpc-port', detail: 'the port speaks HTTP/2 (gRPC)' };
  if (isTlsAlert(beginning)) {
    return { reason: 'rpc-port', detail: 'the port speaks TLS, as RPC ports with TLS do' };
  }
  return undefined;
}

/** An HTTP/2 server begins with a SETTINGS frame on stream 0 (RFC 9113 §3.4), or a GOAWAY. */
function isHttp2(bytes: Uint8Array): boolean {
  if (bytes.length < 9) return false;
  const [high, middle, low, type] = bytes;
  const length = ((high ?? 0) << 16) | ((middle ?? 0) << 8) | (low ?? 0);
  const onConnection = bytes.subarray(5, 9).every((byte) => byte === 0);
  return onConnection && ((type === 4 && length % 6 === 0 && length <= 600) || type === 7);
}

/** A TLS server answers what is no handshake with an alert record (RFC 8446 §5.1, §6). */
function isTlsAlert(bytes: Uint8Array): boolean {
  const [type, major, minor, high, low] = bytes;
  return type === 21 && major === 3 && (minor ?? 9) <= 4 && high === 0 && low === 2;
}
