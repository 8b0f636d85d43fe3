// Throughput of the codec and of LZW, on what a pool sends.

import { pushPull, userEvent } from '../../../daemon/gossip/serf/messages.ts';
import { encodeTags } from '../../../daemon/gossip/serf/tags.ts';
import { compressLzw, decompressLzw } from '../../../daemon/gossip/wire/lzw.ts';
import { alive, pushNodeState } from '../../../daemon/gossip/wire/messages.ts';
import { round } from './weigh.ts';

const seconds = 1;

/** Runs `work` for a second; gives how often it could. */
function perSecond(work: () => void): number {
  for (let warm = 0; warm < 200; warm += 1) work();
  let count = 0;
  const endMs = performance.now() + 1000 * seconds;
  while (performance.now() < endMs) {
    work();
    count += 1;
  }
  return Math.round(count / seconds);
}

export function measureCodec(): object {
  const meta = encodeTags({ 'syncer-cluster-name': 'cluster-1', 'syncer-rpc-port': '30191' });
  const node = {
    addr: Uint8Array.of(10, 0, 0, 1),
    port: 30_190,
    meta,
    incarnation: 7,
    vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
  };
  const aliveBytes = alive.encode({ ...node, node: 'node-1' });
  const event = { lTime: 9, name: 'discovered', payload: Buffer.from('cluster-1'), cc: true };
  const eventBytes = userEvent.encode(event);
  const names = Array.from({ length: 100 }, (_, index) => `node-${index}`);
  const state = Buffer.concat([
    ...names.map((name) => pushNodeState.encodeBody({ ...node, name, state: 0 })),
    pushPull.encode({
      lTime: 5,
      statusLTimes: new Map(names.map((name) => [name, 3])),
      leftMembers: [],
      eventLTime: 5,
      events: Array(512).fill(undefined),
      queryLTime: 1,
    }),
  ]);
  const compressed = compressLzw(state);
  const megabytes = (count: number): number => round((count * state.length) / 1e6);
  return {
    aliveEncodePerSecond: perSecond(() => alive.encode({ ...node, node: 'node-1' })),
    aliveDecodePerSecond: perSecond(() => alive.decode(aliveBytes.subarray(1))),
    userEventEncodePerSecond: perSecond(() => userEvent.encode(event)),
    userEventDecodePerSecond: perSecond(() => userEvent.decode(eventBytes.subarray(1))),
    stateOf100Bytes: state.length,
    stateOf100CompressedBytes: compressed.length,
    lzwCompressMbPerSecond: megabytes(perSecond(() => compressLzw(state))),
    lzwDecompressMbPerSecond: megabytes(perSecond(() => decompressLzw(compressed, 1 << 24))),
  };
}
