// A ping over a stream, for members whose datagrams do not get through (serf-wire.md §6).

import { StreamError, type Stream } from '../transport/transport.ts';
import { ackResp, messageType, ping } from '../wire/messages.ts';
import { openStreamMessage, sealStreamMessage, StreamReader } from '../wire/stream.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Core } from './core.ts';
import { socketAddress, type Node } from './node.ts';

/** An ack on a stream has a sequence number and a nil payload. */
const maxAnswerBytes = 4096;

/** Whether the node answered by the deadline. Never rejects. */
export async function streamPing(
  core: Core,
  target: Node,
  seqNo: number,
  deadlineMs: number,
): Promise<boolean> {
  let stream: Stream | undefined;
  try {
    stream = await core.transport.dial(socketAddress(target), deadlineMs);
    const envelope = core.envelope();
    await stream.write(sealStreamMessage(ping.encode({ seqNo, node: target.name }), envelope));
    const reader = new StreamReader(stream, maxAnswerBytes);
    const answer = await openStreamMessage(reader, envelope, maxAnswerBytes);
    if (answer.type !== messageType.ackResp) return false;
    return (await answer.body.value(ackResp)).seqNo === seqNo;
  } catch (error) {
    if (error instanceof StreamError || error instanceof WireError) return false;
    throw error;
  } finally {
    stream?.destroy();
  }
}
