// One replica of the model: the real election, fence, hand-over and store on a process, a network and a
// disk that are models; and in place of the sync engine a loop that brings the registry to what is wanted.

import { fenceDriver } from '../../../daemon/cluster/fence.ts';
import { Leadership } from '../../../daemon/cluster/leadership.ts';
import { watchRegistryReach } from '../../../daemon/cluster/registry-reach.ts';
import type { GossipPool } from '../../../daemon/gossip/pool.ts';
import type { RegistryDriver } from '../../../daemon/registry/driver.ts';
import { createEtcdStore, type EtcdStore } from '../../../daemon/store/etcd-store.ts';
import type { Mapping } from '../../../daemon/store/ports.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import type { Random } from '../../../daemon/support/random.ts';
import type { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import { rebuildMappings } from '../../../daemon/sync/mappings.ts';
import { MemoryStore, type MemoryDisk } from '../../simulation/memory-store.ts';
import type { EtcdLink, ModelEtcd } from './etcd-model.ts';
import type { Link } from './network.ts';
import { ModelProcess } from './process.ts';
import { stampedCopy, type ModelCopy, type ModelRegistry } from './registry-model.ts';

/** How often a replica reads its registry and looks for what is to be done. */
const roundMs = 250;
const writesAtOnce = 8;
/** A registry that has not answered for so long does not. */
const reachMs = 1_500;

export interface ReplicaParts {
  readonly node: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly etcd: ModelEtcd;
  readonly registry: ModelRegistry;
  readonly etcdLink: EtcdLink;
  readonly registryLink: Link;
  readonly disk: MemoryDisk;
  readonly pool: (process: ModelProcess) => Pick<GossipPool, 'answer' | 'query'>;
  readonly others: () => readonly string[];
  readonly suspects: (node: string) => boolean;
  readonly probe: (node: string) => Promise<'dead' | 'silent' | 'answers'>;
  /** It has become the leader of this term. */
  readonly leads: (epoch: number) => void;
}

export class ModelReplica {
  readonly process: ModelProcess;
  readonly leadership: Leadership;
  readonly store: EtcdStore;
  readonly #parts: ReplicaParts;
  readonly #driver: RegistryDriver;
  readonly #memory: MemoryStore;
  readonly #stopping = new AbortController();
  #view: Map<string, ModelCopy> | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #reading = false;
  /** Writes of its own that have ended: what was read before is not news. */
  #writes = 0;
  /** In which term the mapping was brought in line with the registry, how often, and when next. */
  #rebuilt = { lease: '', times: 0, nextMs: 0 };
  readonly #busy = new Set<string>();

  private constructor(
    parts: ReplicaParts,
    process: ModelProcess,
    memory: MemoryStore,
    store: EtcdStore,
  ) {
    const { node, etcd, etcdLink, registry, registryLink } = parts;
    this.#parts = parts;
    this.process = process;
    this.#memory = memory;
    this.store = store;
    const client = etcd.client(node, process, etcdLink);
    this.leadership = new Leadership({
      ...{ node, etcd: client, probe: parts.probe, clock: process, logger: silentLogger },
      able: () => this.#view !== undefined && this.#reaches(),
      newestEpoch: () => Math.max(0, ...[...(this.#view ?? [])].map(([, { epoch }]) => epoch)),
      suspects: (leader) => leader.node !== node && parts.suspects(leader.node),
      settled: () => store.settled(1_000),
      changed: (leader, leads) => {
        store.lead(this.leadership.guard);
        if (leads && leader !== undefined) parts.leads(leader.epoch);
      },
    });
    const epoch = (): number => this.leadership.leader?.epoch ?? 0;
    this.#driver = fenceDriver(
      registry.driver(process, registryLink, node, epoch),
      this.leadership,
    );
    const reach = {
      pool: parts.pool(process),
      reaches: () => this.#reaches(),
      leads: () => this.leadership.leads,
      nobodyLeads: () => this.leadership.leader === undefined,
      others: parts.others,
      handOver: () => this.leadership.handOver(),
    };
    watchRegistryReach({ ...reach, clock: process, logger: silentLogger }, this.#stopping.signal);
    store.attach(client);
    this.leadership.start();
    this.#round();
  }

  /** Starts it on its disk. */
  static async start(parts: ReplicaParts): Promise<ModelReplica> {
    const process = new ModelProcess(parts.clock);
    const memory = new MemoryStore(parts.disk, process);
    const { random } = parts;
    const store = await createEtcdStore(memory, { clock: process, random, logger: silentLogger });
    return new ModelReplica(parts, process, memory, store);
  }

  /** SIGKILL. */
  kill(): void {
    this.process.kill();
    this.#memory.crash();
    this.#stopping.abort();
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    await this.leadership.resign();
    this.#stopping.abort();
    await this.store.close();
    this.process.kill();
  }

  #reaches(): boolean {
    return this.process.monotonicMs() - this.#readMs < reachMs;
  }

  #round(): void {
    if (!this.#reading) void this.#read();
    this.#work();
    this.process.after(roundMs, () => this.#round());
  }

  async #read(): Promise<void> {
    const { registry, registryLink } = this.#parts;
    const [writes, since] = [this.#writes, this.#term];
    this.#reading = true;
    try {
      const copies = await registry.read(this.process, registryLink);
      this.#readMs = this.process.monotonicMs();
      if (this.#view === undefined || writes === this.#writes) this.#view = new Map(copies);
      // As the engine does when it begins to lead, and some time after (sync/leading.ts).
      if (since === '' || since !== this.#term) return;
      const { lease, nextMs } = this.#rebuilt;
      if (lease !== since || this.process.monotonicMs() >= nextMs) await this.#rebuild();
    } catch {
      // Read again in the next round.
    } finally {
      this.#reading = false;
    }
  }

  get #term(): string {
    return this.leadership.leads ? (this.leadership.leader?.lease ?? '') : '';
  }

  async #rebuild(): Promise<void> {
    const lease = this.#term;
    const kept = await this.store.loadMappings();
    if (lease !== this.#term) return;
    const times = lease === this.#rebuilt.lease ? this.#rebuilt.times + 1 : 1;
    const nextMs = this.process.monotonicMs() + (times === 1 ? 5_000 : 30_000);
    this.#rebuilt = { lease, times, nextMs };
    const copies = [...(this.#view ?? new Map<string, ModelCopy>()).values()].map((copy) => {
      const instance = stampedCopy(copy.id, copy.version, copy.epoch);
      const stamp = { originCluster: 'east', originService: 's', originInstance: copy.id };
      return [copy.id, { stamp, instance, hash: copy.version }] as const;
    });
    const service = { domain: 'default', project: 'default', serviceId: 'copy-s' };
    const view = { services: () => [{ service, copies: new Map(copies) }] };
    rebuildMappings(this.store, kept, view as never);
  }

  /** Begins what is to be done. */
  #work(): void {
    const { wanted } = this.#parts.registry;
    const lease = this.#term;
    // Before the mapping is in line with the registry nothing is written: as one, so that neither waits.
    if (lease === '' || lease !== this.#rebuilt.lease) return;
    const view = this.#view ?? new Map<string, ModelCopy>();
    for (const [id, version] of wanted) {
      if (view.get(id)?.version !== version) this.#write(id, () => this.#put(id, version));
    }
    for (const id of view.keys()) {
      if (!wanted.has(id)) this.#write(id, () => this.#remove(id));
    }
  }

  #write(id: string, run: () => Promise<void>): void {
    if (this.#busy.has(id) || this.#busy.size >= writesAtOnce) return;
    this.#busy.add(id);
    void run().finally(() => this.#busy.delete(id));
  }

  async #put(id: string, version: number): Promise<void> {
    const epoch = this.leadership.leader?.epoch ?? 0;
    const copy = stampedCopy(id, version, epoch);
    const result = await this.#driver.putInstance({} as never, copy, this.#stopping.signal);
    this.#writes += 1;
    if (!result.ok) return;
    this.#view?.set(id, { id, version, epoch });
    this.store.putMapping(mappingOf(id, version));
  }

  async #remove(id: string): Promise<void> {
    const ref = { instanceId: id } as never;
    const result = await this.#driver.removeInstance(ref, 'east', this.#stopping.signal);
    this.#writes += 1;
    if (!result.ok) return;
    this.#view?.delete(id);
    this.store.deleteMapping(mappingOf(id, 0));
  }
}

/** The mapping that a copy of the model has. */
export function mappingOf(id: string, version: number): Mapping {
  return {
    ...{ cluster: 'east', domain: 'default', project: 'default' },
    ...{ originServiceId: 's', originInstanceId: id, serviceId: 'copy-s', instanceId: id },
    ...{ hash: version, leaseSeconds: 120 },
  };
}
