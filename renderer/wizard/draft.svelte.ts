// What a person has told the wizard so far. It lasts as long as the page, so that every step can be
// come back to; nothing is written before the last one.

import type { ConfigEntry } from '../../proto/gen/syncer/control/v1/control.ts';
import { readAddresses } from './invitation.ts';

export const steps = ['language', 'registry', 'pool', 'mode', 'summary'] as const;
export type Step = (typeof steps)[number];

/** The daemon's own defaults (daemon/config/README.md): what equals them is not written. */
const usual = {
  registry: 'http://127.0.0.1:30100',
  bind: '0.0.0.0:30190',
  rpc: '0.0.0.0:30191',
  clusterPort: '30192',
} as const;

class Draft {
  registryAddress = $state<string>(usual.registry);
  registryKind = $state('servicecenter');
  pool = $state<'new' | 'join'>('new');
  /** As typed or pasted: addresses or an invitation. */
  join = $state('');
  bind = $state<string>(usual.bind);
  rpc = $state<string>(usual.rpc);
  advertise = $state('');
  clusterName = $state('');
  mode = $state<'single' | 'cluster'>('single');
  node = $state('');
  clusterPort = $state<string>(usual.clusterPort);
  etcd = $state('');
  #filled = false;

  /** Begins with what is in force; only once, so that nothing typed is overwritten. */
  fill(entries: readonly ConfigEntry[]): void {
    if (this.#filled) return;
    this.#filled = true;
    const read = (key: string): unknown => {
      const entry = entries.find((one) => one.key === key);
      return entry === undefined ? undefined : (JSON.parse(entry.valueJson) as unknown);
    };
    const text = (value: unknown, otherwise: string): string =>
      typeof value === 'string' ? value : otherwise;
    const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');
    this.registryAddress = list(read('registry.addresses')) || this.registryAddress;
    this.registryKind = text(read('registry.kind'), this.registryKind);
    this.join = list(read('gossip.join'));
    this.pool = this.join === '' ? 'new' : 'join';
    this.bind = text(read('gossip.bind'), this.bind);
    this.rpc = text(read('rpc.bind'), this.rpc);
    this.advertise = text(read('gossip.advertise'), '');
    this.clusterName = text(read('clusterName'), '');
    this.mode = read('mode') === 'cluster' ? 'cluster' : 'single';
    this.node = text(read('node'), '');
    this.etcd = list(read('cluster.etcd'));
  }

  get joinAddresses(): readonly string[] {
    return this.pool === 'join' ? readAddresses(this.join) : [];
  }

  /** What it comes to, as keys of the configuration. */
  get values(): ReadonlyMap<string, unknown> {
    const values = new Map<string, unknown>();
    const put = (key: string, value: unknown, when: boolean): void => {
      if (when) values.set(key, value);
    };
    put('clusterName', this.clusterName.trim(), this.clusterName.trim() !== '');
    put('mode', this.mode, this.mode !== 'single');
    put('node', this.node.trim(), this.node.trim() !== '');
    put('registry.kind', this.registryKind, this.registryKind !== 'servicecenter');
    put('registry.addresses', readAddresses(this.registryAddress), true);
    put('gossip.bind', this.bind.trim(), this.bind.trim() !== usual.bind);
    put('gossip.advertise', this.advertise.trim(), this.advertise.trim() !== '');
    put('gossip.join', this.joinAddresses, this.joinAddresses.length > 0);
    put('rpc.bind', this.rpc.trim(), this.rpc.trim() !== usual.rpc);
    const port = Number(this.clusterPort);
    put('cluster.port', port, this.mode === 'cluster' && this.clusterPort !== usual.clusterPort);
    const etcd = readAddresses(this.etcd);
    put('cluster.etcd', etcd, this.mode === 'cluster' && etcd.length > 0);
    return values;
  }
}

export const draft = new Draft();
