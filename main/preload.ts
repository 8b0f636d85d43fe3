// The only thing that the page gets of Electron: the bridge of proto/ipc/bridge.ts. Which methods
// there are, and what they take, is decided on the other side.

import { contextBridge, ipcRenderer } from 'electron';
import {
  bridgeName,
  channelOf,
  largestRequestBytes,
  streamChannels,
  type Answer,
  type HostBridge,
  type StreamEvent,
} from '../proto/ipc/bridge.ts';

const open = new Map<number, (event: StreamEvent) => void>();
let nextId = 0;

ipcRenderer.on(streamChannels.event, (_, id: number, event: StreamEvent) => {
  const take = open.get(id);
  if (event.kind === 'end') open.delete(id);
  take?.(event);
});

/**
 * What is too large is refused before it is sent: copying it to the other side would hold up both.
 * There it is counted again, in bytes.
 */
async function ask(channel: string, request: unknown): Promise<Answer> {
  if (JSON.stringify(request ?? null).length <= largestRequestBytes) {
    return (await ipcRenderer.invoke(channel, request)) as Answer;
  }
  const parameters = { limit: largestRequestBytes };
  return { failure: { code: 'request.too-large', parameters, message: channel } };
}

const bridge: HostBridge = {
  call: (group, name, request) => ask(channelOf(group, name), request),
  open(group, name, request, take) {
    const id = nextId;
    nextId += 1;
    open.set(id, take);
    const end = (event: StreamEvent): void => {
      if (open.delete(id)) take(event);
    };
    ask(channelOf(group, name), { id, request }).then(
      (answer) => {
        if ('failure' in answer) end({ kind: 'end', failure: answer.failure });
      },
      () => end({ kind: 'end' }),
    );
    return () => {
      if (open.delete(id)) ipcRenderer.send(streamChannels.close, id);
    };
  },
};

contextBridge.exposeInMainWorld(bridgeName, bridge);
