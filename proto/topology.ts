// Who is there and which way data flows, out of the sections of a state: one node a cluster, one dot
// a replica, one arrow a direction. The daemon answers `GetTopology` with it; a page that is pushed
// the state needs to ask for nothing.

import type { State, Topology, TopologyCluster } from './gen/syncer/control/v1/control.ts';

/** Gives the topology of a whole state. What only the other clusters know is absent. */
export function topologyOf(state: State): Topology {
  const own = state.identity?.cluster ?? '';
  const clusters = new Map<string, TopologyCluster>();
  const clusterOf = (name: string): TopologyCluster => {
    const known = clusters.get(name);
    if (known !== undefined) return known;
    const made: TopologyCluster = {
      name,
      self: name === own,
      registryKind: name === own ? state.registry?.kind : undefined,
      replicas: [],
      services: undefined,
      instances: undefined,
    };
    clusters.set(name, made);
    return made;
  };

  const ours = clusterOf(own);
  ours.services = state.figures?.exportedServices;
  ours.instances = state.figures?.exportedInstances;
  for (const peer of state.peers?.peers ?? []) {
    const cluster = clusterOf(peer.cluster);
    // Before the first word of a peer its counts are 0 because nothing is known.
    if (peer.lastHeardMs === undefined) continue;
    cluster.services = peer.services;
    cluster.instances = peer.instances;
  }
  for (const member of state.members?.members ?? []) {
    if (member.cluster === '') continue;
    clusterOf(member.cluster).replicas.push({
      node: member.name,
      status: member.status,
      leader: member.self ? state.identity?.role === 'leader' : undefined,
    });
  }
  return {
    nowMs: state.nowMs,
    clusters: [...clusters.values()],
    links: state.links?.links ?? [],
  };
}
