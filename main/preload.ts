// The only thing that the page gets of Electron: the bridge of proto/ipc/bridge.ts. Which methods
// there are, and what they take, is decided on the other side.

import { contextBridge, ipcRenderer } from 'electron';
import {
  bridgeName,
  channelOf,
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

const bridge: HostBridge = {
  call: (group, name, request) =>
    ipcRenderer.invoke(channelOf(group, name), request) as Promise<Answer>,
  open(group, name, request, take) {
    const id = nextId;
    nextId += 1;
    open.set(id, take);
    const end = (event: StreamEvent): void => {
      if (open.delete(id)) take(event);
    };
    ipcRenderer.invoke(channelOf(group, name), { id, request }).then(
      (answer: Answer) => {
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
