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

/** What stands in a field, or what is in force where nothing has been typed yet. */
function kept(now: string, untouched: string, inForce: string): string {
  return now === untouched && inForce !== '' ? inForce : now;
}

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

  /**
   * Begins with what is in force; only once, and it may come late: what a person has typed by then
   * stays as it is.
   */
  fill(entries: readonly ConfigEntry[]): void {
    if (this.#filled) return;
    this.#filled = true;
    const read = (key: string): unknown => {
      const entry = entries.find((one) => one.key === key);
      return entry === undefined ? undefined : (JSON.parse(entry.valueJson) as unknown);
    };
    const text = (key: string): string => {
      const value = read(key);
      if (Array.isArray(value)) return value.join(', ');
      return typeof value === 'string' ? value : '';
    };
    this.registryAddress = kept(this.registryAddress, usual.registry, text('registry.addresses'));
    this.registryKind = kept(this.registryKind, 'servicecenter', text('registry.kind'));
    if (this.join === '' && this.pool === 'new') {
      this.join = text('gossip.join');
      this.pool = this.join === '' ? 'new' : 'join';
    }
    this.bind = kept(this.bind, usual.bind, text('gossip.bind'));
    this.rpc = kept(this.rpc, usual.rpc, text('rpc.bind'));
    this.advertise = kept(this.advertise, '', text('gossip.advertise'));
    this.clusterName = kept(this.clusterName, '', text('clusterName'));
    if (read('mode') === 'cluster') this.mode = 'cluster';
    this.node = kept(this.node, '', text('node'));
    this.etcd = kept(this.etcd, '', text('cluster.etcd'));
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
