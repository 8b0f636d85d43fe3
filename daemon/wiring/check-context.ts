// What the checks look at, out of the configuration and of what a running daemon knows.

import { join } from 'node:path';
import { SyncerError } from '../../proto/errors.ts';
import { createEtcdEndpoints } from '../cluster/etcd-endpoints.ts';
import { checkEtcdBinary } from '../cluster/etcd-member.ts';
import { isSupportedEtcd } from '../cluster/etcd-version.ts';
import type { Config } from '../config/schema.ts';
import type { CheckContext } from '../diagnostics/check.ts';
import type { Clock } from '../support/clock.ts';
import { etcdAccess } from './etcd-access.ts';

/** The store's file in the data directory. */
const storeFileName = 'state.db';

/** Gives the context of a check run; `running` is `undefined` where no daemon runs. */
export function checkContextOf(
  config: Config,
  clock: Clock,
  running: CheckContext['running'],
): CheckContext {
  return {
    clock,
    dataDirectory: config.dataDir,
    storeFile: join(config.dataDir, storeFileName),
    bind: config.gossip.bind,
    rpc: config.rpc.bind,
    advertise: config.gossip.advertise,
    joinAddresses: config.gossip.join,
    registryAddresses: config.registry.addresses,
    etcd: config.mode === 'single' ? undefined : etcdOf(config.cluster),
    running,
  };
}

function etcdOf(cluster: Config['cluster']): NonNullable<CheckContext['etcd']> {
  const { etcd: endpoints, etcdBinary: binary } = cluster;
  if (endpoints.length === 0) {
    return { place: binary, own: true, probe: () => checkEtcdBinary(binary) };
  }
  const place = endpoints.join(', ');
  return {
    place,
    own: false,
    async probe() {
      const access = etcdAccess(cluster);
      if (access === undefined) throw new Error('no address');
      const client = createEtcdEndpoints(access);
      try {
        const { version } = await client.status();
        if (!isSupportedEtcd(version)) {
          throw new SyncerError('etcd.unsupported', { binary: place, version });
        }
        return version;
      } finally {
        client.close();
      }
    },
  };
}
