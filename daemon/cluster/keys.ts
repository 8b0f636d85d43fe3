// The keys that more than one part of the cluster reads in etcd, beside those of the mapping.

import { ownPrefix } from '../store/etcd-mapping.ts';

/** Who leads; hangs on the leader's lease, and guards what it writes. */
export const leaderKey = `${ownPrefix}leader`;
/** Which cluster the etcd serves. */
export const clusterKey = `${ownPrefix}cluster`;
/** The syncer of mode single that runs beside the replicas, or did when it was last seen. */
export const singleKey = `${ownPrefix}single`;
