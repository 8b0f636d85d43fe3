// Between the page and the desktop shell: channel names derived from the contract, and what crosses
// on them. The bridge of the preload script carries plain values only, so that errors are rebuilt
// in the page's own world.

import { RemoteError, type Client, type RemoteFailure } from './verbs.ts';

/** The name under which the preload script leaves the bridge on `window`. */
export const bridgeName = 'syncerHost';

/** Largest request as JSON; the control API takes no larger one either. */
export const largestRequestBytes = 4 * 1024 * 1024;

export type GroupName = 'daemon' | 'desktop';

/** The channel of a method. */
export function channelOf(group: GroupName, name: string): string {
  return `${group}.${name}`;
}

/** Channels of the streams that a page has open: items to the page, closing from it. */
export const streamChannels = { event: 'stream.event', close: 'stream.close' } as const;

/** How a call ended. */
export type Answer = { readonly value: unknown } | { readonly failure: RemoteFailure };

/** What a stream says. */
export type StreamEvent =
  | { readonly kind: 'item'; readonly item: unknown }
  | { readonly kind: 'end'; readonly failure?: RemoteFailure };

/** A request of a stream; the page numbers its streams. */
export interface StreamRequest {
  readonly id: number;
  readonly request: unknown;
}

/** What the preload script offers to the page. */
export interface HostBridge {
  call(group: GroupName, name: string, request: unknown): Promise<Answer>;
  /** Gives what closes the stream. */
  open(
    group: GroupName,
    name: string,
    request: unknown,
    take: (event: StreamEvent) => void,
  ): () => void;
}

/** Gives the client of one group of the contract over the bridge. */
export function bridgeClient<
  G extends Readonly<Record<string, { readonly verb: 'call' | 'stream' }>>,
>(group: GroupName, contract: G, bridge: HostBridge): Client<G> {
  const methods = Object.entries(contract).map(([name, { verb }]) => [
    name,
    verb === 'call' ? callOf(group, name, bridge) : streamOf(group, name, bridge),
  ]);
  return Object.fromEntries(methods) as Client<G>;
}

function callOf(group: GroupName, name: string, bridge: HostBridge) {
  return async (request: unknown): Promise<unknown> => {
    const answer = await bridge.call(group, name, plain(request));
    if ('failure' in answer) throw new RemoteError(answer.failure);
    return answer.value;
  };
}

function streamOf(group: GroupName, name: string, bridge: HostBridge) {
  return (
    request: unknown,
    next: (item: unknown) => void,
    end: (error?: RemoteError) => void,
  ): (() => void) =>
    bridge.open(group, name, plain(request), (event) => {
      if (event.kind === 'item') next(event.item);
      else end(event.failure === undefined ? undefined : new RemoteError(event.failure));
    });
}

/** Proxies of the page's reactive state cannot be cloned; the web client sends JSON, too. */
function plain(request: unknown): unknown {
  return JSON.parse(JSON.stringify(request)) as unknown;
}
