// The node of our copies. It has no agent, so that nothing takes its entries away; its metadata says who
// keeps their leases: the process that renewed or wrote last (README.md, "Leases").

import { randomUUID } from 'node:crypto';
import type { Outcome } from '../common/trouble.ts';
import type { ConsulApi } from './api.ts';
import type { ConsulSettings } from './options.ts';
import type { Operation } from './transaction-wire.ts';
import type { Transactions } from './transactions.ts';

/** Key of the node's metadata. */
const keeperKey = 'syncer-keeper';
/** A node wants an address; each copy has its own, and nobody is to dial this one. */
const noAddress = '0.0.0.0';

export interface OwnNode {
  readonly name: string;
  /** Makes the node, and this process its keeper; no change where both are so already. */
  readonly operation: () => Operation;
  /** True while no other process has written or renewed there since this one. */
  isKept(signal: AbortSignal): Promise<Outcome<boolean>>;
  /** Makes this process the keeper, if it is not. */
  claim(transactions: Transactions, signal: AbortSignal): Promise<Outcome<void>>;
}

/** Gives the node of `settings`, kept by this process. */
export function createOwnNode(
  api: Pick<ConsulApi, 'nodeMeta'>,
  settings: Pick<ConsulSettings, 'node' | 'cluster'>,
): OwnNode {
  const keeper = randomUUID();
  const isKept: OwnNode['isKept'] = async (signal) => {
    const meta = await api.nodeMeta(settings.node, signal);
    return meta.ok ? { ok: true, value: meta.value?.[keeperKey] === keeper } : meta;
  };
  return {
    name: settings.node,
    operation: () => ({
      kind: 'set-node',
      node: settings.node,
      address: noAddress,
      // The names by which Consul's own tools know a node without an agent; `external-probe`: no pings.
      meta: {
        'external-node': 'true',
        'external-probe': 'false',
        'syncer-cluster': settings.cluster,
        [keeperKey]: keeper,
      },
    }),
    isKept,
    async claim(transactions, signal) {
      const kept = await isKept(signal);
      if (!kept.ok || kept.value) return kept.ok ? { ok: true, value: undefined } : kept;
      // Each transaction begins with the node.
      const claimed = await transactions.submit([], signal);
      return claimed.ok ? { ok: true, value: undefined } : claimed;
    },
  };
}
