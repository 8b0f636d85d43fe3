// What is known of one directed edge between two clusters, for people and metrics.

import type { LinkState } from '../model/records.ts';
import type { EdgeFigures } from './stream-figures.ts';

export interface LinkStatus extends Readonly<EdgeFigures> {
  /** `import`: the peer's records come to us; `export`: ours go to the peer. */
  readonly direction: 'import' | 'export';
  readonly cluster: string;
  /** The peer's member at the other end; empty until known. */
  readonly node: string;
  /** Who opened the stream: `pull`: the importing side; `push`: the exporting side. */
  readonly via: 'pull' | 'push' | undefined;
  /** The other end's address; empty until known. */
  readonly address: string;
  readonly state: LinkState;
  /** Why it is so; empty where there is nothing to say. */
  readonly reason: string;
  /** Since when the state is so, milliseconds since 1970. */
  readonly sinceMs: number;
}
