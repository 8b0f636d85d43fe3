// How an existing etcd is reached, from the configuration; certificates are read here.

import { readFileSync } from 'node:fs';
import { SyncerError } from '../../proto/errors.ts';
import type { EtcdAccess } from '../cluster/etcd-client.ts';
import type { Config } from '../config/schema.ts';

/**
 * Gives the way to the etcd of `--etcd-addr`, `undefined` where each replica is to run a member of its
 * own. Throws `tls.file-unreadable`.
 */
export function etcdAccess(cluster: Config['cluster']): EtcdAccess | undefined {
  const { etcd: endpoints, etcdTls, etcdCredentials } = cluster;
  if (endpoints.length === 0) return undefined;
  const { ca, cert, key } = etcdTls;
  const { user, password } = etcdCredentials;
  return {
    endpoints,
    ...(user === undefined || password === undefined ? {} : { user, password }),
    tls: {
      ca: pem('cluster.etcdTls.ca', ca),
      cert: pem('cluster.etcdTls.cert', cert),
      key: pem('cluster.etcdTls.key', key),
    },
  };
}

function pem(key: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('tls.file-unreadable', { key, file, reason }, thrown);
  }
}
