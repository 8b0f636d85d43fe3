// What the control API is given: the parts of this daemon behind the names that it asks for.

import type { Config } from '../config/schema.ts';
import type {
  ConfigAccess,
  ControlBackend,
  DaemonIdentity,
  ExportLink,
  LogSource,
  UiLink,
} from '../control/ports.ts';
import type { ClusterOperations } from '../cluster/operations.ts';
import type { GossipPool } from '../gossip/pool.ts';
import type { Membership } from '../membership/membership.ts';
import type { LinkStatus } from '../replication/link-status.ts';
import type { Replication } from '../replication/replication.ts';
import type { Store } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { SyncEngine } from '../sync/engine.ts';
import { checkContextOf } from './check-context.ts';
import { lookupAtPeer } from './look-up.ts';

export interface ControlParts {
  readonly identity: DaemonIdentity;
  readonly config: Config;
  readonly engine: SyncEngine;
  readonly pool: GossipPool;
  readonly membership: Membership;
  readonly replication: Replication;
  readonly store: Store;
  readonly replicas: ClusterOperations | undefined;
  readonly logs: LogSource;
  readonly configAccess: ConfigAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  uiLink(): UiLink;
  shutdown(reason: string): void;
  leave(): Promise<void>;
}

/** Gives the backend of the control API. */
export function controlBackend(parts: ControlParts): ControlBackend {
  const { identity, config, engine, pool, membership, replication } = parts;
  return {
    identity,
    engine,
    pool,
    audit: parts.store.audit,
    logs: parts.logs,
    config: parts.configAccess,
    clock: parts.clock,
    replicas: parts.replicas,
    logger: parts.logger,
    joinState: () => membership.join,
    poolView: () => membership.view,
    troubles: () => membership.troubles(),
    exportLinks: () => replication.links().filter(isExport).map(exportLink),
    checkContext: () =>
      checkContextOf(config, parts.clock, {
        node: identity.node,
        sync: engine.status(),
        members: pool.members(),
        etcd: parts.replicas?.view().etcd,
      }),
    lookup: (cluster, request) => lookupAtPeer(replication, cluster, request),
    onChange(listener) {
      const stops = [membership.onChange(listener), replication.onChange(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    uiLink: () => parts.uiLink(),
    shutdown: (reason) => parts.shutdown(reason),
    leave: () => parts.leave(),
  };
}

function isExport(link: LinkStatus): boolean {
  return link.direction === 'export';
}

function exportLink(link: LinkStatus): ExportLink {
  return {
    cluster: link.cluster,
    state: link.state,
    reason: link.reason,
    sinceMs: link.sinceMs,
    transport: link.via === 'push' ? 'push' : 'subscribe',
    acknowledgedRevision: link.acknowledgedRevision,
  };
}
