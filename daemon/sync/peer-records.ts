// What is held of one record of a peer's export.

import type { RemovalProof } from '../model/records.ts';
import type { Service } from '../model/service.ts';

/** An instance that the peer exports. */
export interface PeerInstance {
  readonly instanceId: string;
  readonly revision: number;
  readonly hash: number;
  readonly originTimeMs: number;
  readonly payload: Uint8Array;
  /** When it came in a delta; 0: in a snapshot, so that its age says nothing of the way here. */
  readonly receivedAtMs: number;
  /** A snapshot left it out, and its absence is not proven yet. */
  unproven: boolean;
  /** The snapshot that last named it. */
  generation: number;
  /** What the reconciler worked out from the payload (`desired.ts`). */
  derived: unknown;
}

/** A service that the peer exports, and its instances. */
export interface PeerService {
  readonly serviceId: string;
  /** `undefined` while only instances of it have come. */
  record: { readonly service: Service; readonly hash: number } | undefined;
  unproven: boolean;
  generation: number;
  readonly instances: Map<string, PeerInstance>;
}

/** How something ceased to be exported. */
export interface PeerRemoval {
  readonly proof: RemovalProof;
  readonly revision: number;
  readonly atMs: number;
}
