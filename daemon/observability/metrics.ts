// Prometheus metrics, `syncer_*`: read from the status at the moment of a scrape, so that they say
// what is, and cost nothing in between. A figure that was not measured is missing, never 0.

import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { PoolMember } from '../gossip/pool.ts';
import type { SyncStatus } from '../sync/engine.ts';

/** Where the figures come from. */
export interface MetricsSource {
  readonly version: string;
  readonly status: () => SyncStatus;
  readonly members: () => readonly PoolMember[];
}

type Labels = Readonly<Record<string, string>>;

/** Gives a registry whose `metrics()` is the text of `/metrics`. */
export function createMetrics(source: MetricsSource): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'syncer_' });

  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (set: (value: number | undefined, labels?: Labels) => void) => void,
  ): void => {
    new Gauge({
      ...{ name: `syncer_${name}`, help, labelNames: [...labelNames], registers: [registry] },
      collect() {
        this.reset();
        // Without labels, a reset gauge would say 0.
        if (labelNames.length === 0) this.remove();
        read((value, labels = {}) => {
          if (value !== undefined && Number.isFinite(value)) this.set({ ...labels }, value);
        });
      },
    });
  };
  const plain = (
    name: string,
    help: string,
    read: (status: SyncStatus) => number | undefined,
  ): void => gauge(name, help, [], (set) => set(read(source.status())));
  const perPeer = (
    name: string,
    help: string,
    read: (peer: SyncStatus['peers'][number]) => number | undefined,
  ): void =>
    gauge(name, help, ['peer'], (set) => {
      for (const peer of source.status().peers) set(read(peer), { peer: peer.cluster });
    });
  const seconds = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : ms / 1000;

  gauge('build_info', 'Always 1; the version is in the label.', ['version'], (set) =>
    set(1, { version: source.version }),
  );
  gauge('members', 'Members of the gossip pool by status.', ['status'], (set) => {
    const counts = new Map<string, number>();
    for (const { status } of source.members()) counts.set(status, (counts.get(status) ?? 0) + 1);
    for (const [status, count] of counts) set(count, { status });
  });

  plain(
    'registry_answering',
    '1 while the registry’s view is complete and true, 0 while unknown.',
    (s) => (s.condition.state === 'answering' ? 1 : 0),
  );
  plain('registry_round_seconds', 'Cost of the last reading round.', (s) =>
    seconds(s.registry.roundMs),
  );
  plain('native_services', 'Native services of the registry.', (s) => s.nativeServices);
  plain('native_instances', 'Native instances of the registry.', (s) => s.nativeInstances);
  plain('foreign_services', 'Services made by syncers.', (s) => s.foreignServices);
  plain('foreign_instances', 'Copies in the registry.', (s) => s.foreignInstances);
  plain('exported_services', 'Services that peers can import.', (s) => s.exportedServices);
  plain('exported_instances', 'Instances that peers can import.', (s) => s.exportedInstances);
  plain('export_revision', 'Last revision of the export log.', (s) => s.exportRevision);
  plain('leader', '1 on the replica that writes to the registry.', (s) =>
    s.role === 'leader' ? 1 : 0,
  );
  plain('paused', '1 while all writing is paused.', (s) => (s.pausedAll ? 1 : 0));
  plain('queue_waiting', 'Writes to the registry that wait.', (s) => s.queue.waiting);
  plain(
    'queue_in_flight',
    'Writes to the registry that are on their way.',
    (s) => s.queue.inFlight,
  );
  plain(
    'queue_writes_per_second',
    'Rate of writes to the registry.',
    (s) => s.queue.writesPerSecond,
  );
  plain('leases_kept', 'Leases that are renewed.', (s) => s.leases.kept);
  plain(
    'leases_in_time_ratio',
    'Share of leases renewed in time in the last round.',
    (s) => s.leases.inTimeShare,
  );
  plain('conflicts', 'Records left out because of a conflict.', (s) => s.conflicts);
  plain('store_trouble', '1 while the disk refuses the state.', (s) =>
    s.storeTrouble === undefined ? 0 : 1,
  );

  gauge('peer_link', '1 for the state that the link to a peer is in.', ['peer', 'state'], (set) => {
    for (const peer of source.status().peers) set(1, { peer: peer.cluster, state: peer.link });
  });
  perPeer('peer_last_heard_timestamp_seconds', 'When the peer was heard last.', (peer) =>
    seconds(peer.lastHeardMs),
  );
  perPeer('peer_proven_equal_timestamp_seconds', 'When digests last proved equality.', (peer) =>
    seconds(peer.provenEqualMs),
  );
  perPeer('peer_origin_healthy', '1 while the peer’s registry is healthy.', (peer) =>
    peer.originHealth === 'healthy' ? 1 : 0,
  );
  perPeer('peer_services', 'Services of the peer’s export.', (peer) => peer.services);
  perPeer('peer_instances', 'Instances of the peer’s export.', (peer) => peer.instances);
  perPeer('peer_copies', 'Copies of the peer’s instances in the registry.', (peer) => peer.copies);
  perPeer('peer_pending', 'Copies still to be written.', (peer) => peer.pending);
  perPeer('peer_held', 'Removals that wait for a person.', (peer) => peer.held);
  perPeer('peer_round_trip_seconds', 'Round trip to the peer.', (peer) =>
    seconds(peer.roundTripMs),
  );
  perPeer('peer_clock_offset_seconds', 'The peer’s clock against ours.', (peer) =>
    seconds(peer.clockOffsetMs),
  );
  gauge(
    'peer_lag_seconds',
    'From the change at its origin to readable through the local registry, over the window.',
    ['peer', 'quantile'],
    (set) => {
      for (const { cluster, lag } of source.status().peers) {
        set(seconds(lag.p50Ms), { peer: cluster, quantile: '0.5' });
        set(seconds(lag.p99Ms), { peer: cluster, quantile: '0.99' });
        set(seconds(lag.worstMs), { peer: cluster, quantile: '1' });
      }
    },
  );
  return registry;
}
