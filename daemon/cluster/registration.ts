// A replica makes itself known in etcd while it runs: so that an etcd serves one cluster, a cluster one
// registry, and no more than three replicas. What stands there ends with the replica's lease.

import { SyncerError } from '../../proto/errors.ts';
import { ownPrefix } from '../store/etcd-mapping.ts';
import type { EtcdEntry } from '../store/etcd-kv.ts';
import { sleep, type Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { EtcdClient } from './etcd-client.ts';
import { isSupportedEtcd } from './etcd-version.ts';
import { clusterKey } from './keys.ts';

export interface Registrant {
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
}

const replicaPrefix = `${ownPrefix}replicas/`;
const maxReplicas = 3;
/** How long a dead replica holds its place. Raising it rides out longer trouble with etcd. */
const leaseSeconds = 30;
const keepMs = 5_000;
const retryMs = 500;

type RegistrationEtcd = Pick<
  EtcdClient,
  'status' | 'get' | 'read' | 'commit' | 'grant' | 'keepAlive' | 'revoke'
>;

export interface Registration {
  /** Gives the place up at once, for one that comes after. Never rejects. */
  leave(): Promise<void>;
}

/**
 * Registers a replica and keeps it registered until `signal` aborts. Resolves when it first is. Rejects
 * with `etcd.unsupported`, `cluster.other-cluster`, `cluster.other-registry` or `cluster.fourth-replica`;
 * tries on while etcd does not answer.
 */
export async function register(
  etcd: RegistrationEtcd,
  who: Registrant,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Registration> {
  const { clock, logger, signal } = parts;
  let said = '';
  for (;;) {
    try {
      return keep(etcd, who, await enter(etcd, who), parts);
    } catch (error) {
      if (error instanceof SyncerError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== said) logger.warn({ error: text }, `etcd does not take this replica: ${text}`);
      said = text;
    }
    await sleep(clock, retryMs, signal);
  }
}

function keep(
  etcd: RegistrationEtcd,
  who: Registrant,
  first: string,
  { clock, logger, signal }: Parameters<typeof register>[2],
): Registration {
  let lease = first;
  const renew = async (): Promise<void> => {
    try {
      // Gone: etcd was away for longer than it lasts, or lost it with its data.
      if ((await etcd.keepAlive(lease)) <= 0) lease = await enter(etcd, who);
    } catch (error) {
      logger.debug({ error: String(error) }, 'the place of this replica in etcd was not renewed');
    }
    if (!signal.aborted) clock.after(keepMs, () => void renew());
  };
  clock.after(keepMs, () => void renew());
  return { leave: () => etcd.revoke(lease).catch(() => undefined) };
}

/** Puts the replica's entry, after a look at who is there; gives its lease. */
async function enter(etcd: RegistrationEtcd, who: Registrant): Promise<string> {
  const { version } = await etcd.status();
  if (!isSupportedEtcd(version)) {
    throw new SyncerError('etcd.unsupported', { binary: '--etcd-addr', version });
  }
  await etcd.commit(
    [{ key: clusterKey, createdRevision: 0 }],
    [{ type: 'put', key: clusterKey, value: who.cluster }],
  );
  const { entry } = await etcd.get(clusterKey);
  const other = entry === undefined ? who.cluster : Buffer.from(entry.value).toString();
  if (other !== who.cluster) {
    throw new SyncerError('cluster.other-cluster', { cluster: who.cluster, other });
  }
  const lease = await etcd.grant(leaseSeconds);
  try {
    const { registry } = who;
    const value = JSON.stringify({ registry });
    await etcd.commit([], [{ type: 'put', key: replicaPrefix + who.node, value, lease }]);
    judge((await etcd.read(replicaPrefix)).entries, who);
    return lease;
  } catch (error) {
    await etcd.revoke(lease).catch(() => undefined);
    throw error;
  }
}

/** Of those that came at once the earlier ones stay. */
function judge(entries: readonly EtcdEntry[], who: Registrant): void {
  const own = entries.find(({ key }) => key === replicaPrefix + who.node);
  const before = entries.filter(
    (one) => own !== undefined && one.createdRevision < own.createdRevision,
  );
  const differs = before.find(({ value }) => registryOf(value) !== who.registry);
  if (differs !== undefined) {
    throw new SyncerError('cluster.other-registry', { node: nodeOf(differs) });
  }
  if (before.length >= maxReplicas) {
    const members = before.map(nodeOf).sort().join(', ');
    throw new SyncerError('cluster.fourth-replica', { node: who.node, members });
  }
}

function nodeOf({ key }: EtcdEntry): string {
  return key.slice(replicaPrefix.length);
}

function registryOf(value: Uint8Array): string {
  try {
    return (JSON.parse(Buffer.from(value).toString()) as { registry: string }).registry;
  } catch {
    return '';
  }
}
