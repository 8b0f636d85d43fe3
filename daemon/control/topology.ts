// Who is there and which way data flows: one node a cluster, one dot a replica, one arrow a
// direction (ui.md "Topology").

import type { Topology, TopologyCluster } from '../../proto/gen/syncer/control/v1/control.ts';
import type { ControlBackend } from './ports.ts';
import { listMembers, viewLinks } from './state-view.ts';

/** Gives the topology as of now. What only the others know is absent. */
export function viewTopology(backend: ControlBackend): Topology {
  const sync = backend.engine.status();
  const clusters = new Map<string, TopologyCluster>();
  const clusterOf = (name: string): TopologyCluster => {
    const known = clusters.get(name);
    if (known !== undefined) return known;
    const made: TopologyCluster = {
      name,
      self: name === sync.cluster,
      registryKind: name === sync.cluster ? sync.registry.kind : undefined,
      replicas: [],
      services: undefined,
      instances: undefined,
    };
    clusters.set(name, made);
    return made;
  };

  const own = clusterOf(sync.cluster);
  own.services = sync.exportedServices;
  own.instances = sync.exportedInstances;
  for (const peer of sync.peers) {
    const cluster = clusterOf(peer.cluster);
    // Before the first word of a peer its counts are 0 because nothing is known.
    if (peer.lastHeardMs === undefined) continue;
    cluster.services = peer.services;
    cluster.instances = peer.instances;
  }
  for (const member of listMembers(backend)) {
    if (member.cluster === '') continue;
    clusterOf(member.cluster).replicas.push({
      node: member.name,
      status: member.status,
      leader: member.self ? sync.role === 'leader' : undefined,
    });
  }
  return {
    nowMs: backend.clock.nowMs(),
    clusters: [...clusters.values()],
    links: viewLinks(backend, sync),
  };
}
