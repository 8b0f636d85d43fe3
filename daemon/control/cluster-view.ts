// The replicas of this cluster as the control API shows them.

import type { ClusterState } from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import { leadCondition } from '../health/cluster-conditions.ts';
import type { ClusterOperations } from '../cluster/operations.ts';
import type { ControlBackend } from './ports.ts';

/** Gives the operations of cluster mode. Throws `cluster.single-mode`. */
export function replicasOf(backend: ControlBackend): ClusterOperations {
  if (backend.replicas === undefined) throw new SyncerError('cluster.single-mode');
  return backend.replicas;
}

/** Gives the state of the cluster; of a syncer alone, that it is one. */
export function viewCluster(backend: ControlBackend): ClusterState {
  const { cluster, node } = backend.identity;
  const { role } = backend.engine.status();
  const view = backend.replicas?.view();
  if (view === undefined) return { mode: 'single', cluster, node, role, replicas: [] };
  const { leader, replicas, etcd, mapping, trouble, leaderlessMs } = view;
  const nowMs = backend.clock.nowMs();
  return {
    mode: 'cluster',
    cluster,
    node,
    role,
    ...(leader === undefined ? {} : { leader: leader.node, epoch: leader.epoch }),
    replicas: replicas.map((one) => ({ ...one })),
    etcd: { ...etcd },
    mapping: {
      state: mapping.state,
      detail: mapping.detail,
      waiting: mapping.waiting,
      unreadable: [...mapping.unreadable],
    },
    trouble:
      trouble === undefined ? undefined : leadCondition(cluster, trouble, leaderlessMs, nowMs).text,
  };
}
