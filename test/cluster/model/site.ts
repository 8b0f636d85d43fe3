// A site of three in the model: what befalls it, and what must hold meanwhile and once all is well again.

import { leaderKey } from '../../../daemon/cluster/keys.ts';
import type { IncomingQuery, QueryOptions, QueryOutcome } from '../../../daemon/gossip/pool.ts';
import { factsPrefix, originalKey, originalPrefix } from '../../../daemon/store/etcd-mapping.ts';
import { readMappingSnapshot } from '../../../daemon/store/etcd-snapshot.ts';
import type { Mapping } from '../../../daemon/store/ports.ts';
import { seededRandom, type Random } from '../../../daemon/support/random.ts';
import { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import { MemoryDisk } from '../../simulation/memory-store.ts';
import { ModelEtcd, type EtcdLink } from './etcd-model.ts';
import type { Link } from './network.ts';
import { ModelProcess } from './process.ts';
import { ModelRegistry } from './registry-model.ts';
import { mappingOf, ModelReplica } from './replica.ts';

const names = ['one', 'two', 'three'] as const;
/** All is well again within so long: a lease of 6 s, a pause of 5 s after a hand-over, and some. */
const quietMs = 60_000;

/** Longest travel to a registry that is near, in one direction. */
const quickMs = 25;

type Answer = (query: IncomingQuery) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** A replica's place: what outlives its process. */
export interface Place {
  readonly node: string;
  readonly disk: MemoryDisk;
  readonly etcdLink: EtcdLink;
  readonly registryLink: Link;
  /** It hears the others, and they hear it. */
  peersCut: boolean;
  wallOffsetMs: number;
  replica: ModelReplica | undefined;
  readonly answers: Map<string, Answer>;
}

export class Site {
  readonly clock = new VirtualClock();
  readonly etcd: ModelEtcd;
  readonly registry: ModelRegistry;
  readonly places: readonly Place[];
  /** Of all terms: who led. */
  readonly terms = new Map<number, string>();
  readonly #random: Random;
  readonly #wanted = new Map<string, number>();
  #made = 0;
  #isHealed = false;
  #foreign: string | undefined;

  private constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.etcd = new ModelEtcd(this.clock, this.#random, (node, writes) => {
      if (!writes.some(({ key }) => key.startsWith(factsPrefix))) return;
      const leader = this.#leaderInEtcd;
      if (leader === node) return;
      this.registry.faults.push(`${node} wrote the mapping, and ${leader ?? 'nobody'} leads`);
    });
    this.registry = new ModelRegistry(this.clock, this.#random, this.#wanted);
    this.places = names.map((node) => ({
      ...{ node, disk: new MemoryDisk(), peersCut: false, wallOffsetMs: 0, replica: undefined },
      etcdLink: { isCut: false, travelMs: 4, watchesHang: false },
      registryLink: { isCut: false, travelMs: quickMs },
      answers: new Map<string, Answer>(),
    }));
  }

  /** Three replicas that run. */
  static async begin(seed: number): Promise<Site> {
    const site = new Site(seed);
    for (const { node } of site.places) await site.start(node);
    site.#change();
    return site;
  }

  /** Something changes all the time, until all is healed: whoever may write does. */
  #change(): void {
    if (this.#isHealed) return;
    this.change(1, 1, this.#random.next() < 0.3 ? 1 : 0);
    this.clock.after(20 + this.#random.next() * 150, () => this.#change());
  }

  place(node: string): Place {
    const place = this.places.find((one) => one.node === node);
    if (place === undefined) throw new Error(`no place for ${node}`);
    return place;
  }

  get #leaderInEtcd(): string | undefined {
    const [entry] = this.etcd.entries(leaderKey);
    if (entry === undefined) return undefined;
    return (JSON.parse(Buffer.from(entry.value).toString()) as { node: string }).node;
  }

  /** Who leads, or else any. */
  get leader(): string {
    return this.#leaderInEtcd ?? names[0];
  }

  async start(node: string): Promise<void> {
    const place = this.place(node);
    if (place.replica !== undefined) return;
    const { disk, etcdLink, registryLink } = place;
    place.replica = await ModelReplica.start({
      ...{ node, clock: this.clock, random: this.#random, etcd: this.etcd },
      ...{ registry: this.registry, etcdLink, registryLink, disk },
      others: () => names.filter((one) => one !== node && this.#hears(node, one)),
      suspects: (leader) => !this.#hears(node, leader),
      probe: (leader) => this.#probe(node, leader),
      pool: (process) => this.#pool(place, process),
      leads: (epoch) => this.#leads(node, epoch),
    });
    place.replica.process.wallOffsetMs = place.wallOffsetMs;
  }

  kill(node: string): void {
    const place = this.place(node);
    place.replica?.kill();
    place.replica = undefined;
  }

  /** SIGTERM; waits for it as a service manager does. */
  async stop(node: string): Promise<void> {
    const { replica } = this.place(node);
    if (replica?.process.runs !== true) return;
    let ended = false;
    void replica.stop().finally(() => (ended = true));
    await this.clock.runUntil(() => ended, 20_000);
    this.kill(node);
  }

  /** New instances at the other site, changed ones, and some that are gone. */
  change(made: number, changed: number, gone: number): void {
    for (let count = 0; count < made; count += 1) {
      this.#made += 1;
      this.#wanted.set(`i${this.#made}`, 1);
    }
    const ids = [...this.#wanted.keys()];
    for (const id of ids.slice(0, changed)) this.#wanted.set(id, (this.#wanted.get(id) ?? 0) + 1);
    for (const id of ids.slice(changed, changed + gone)) this.#wanted.delete(id);
  }

  /** Something under our prefix that is no mapping. */
  putForeign(): void {
    this.#foreign = `${factsPrefix}x/y/${this.#made}`;
    this.etcd.put(this.#foreign, 'no mapping \u00ff');
  }

  /** What is wrong so far, in words. */
  get faults(): readonly string[] {
    return this.registry.faults;
  }

  /** Undoes all that befell it. */
  async heal(): Promise<void> {
    this.#isHealed = true;
    this.etcd.hasQuorum = true;
    this.etcd.slowMs = 0;
    for (const place of this.places) {
      place.etcdLink.isCut = false;
      place.registryLink.isCut = false;
      place.registryLink.travelMs = quickMs;
      place.peersCut = false;
      if (place.etcdLink.watchesHang) {
        place.etcdLink.watchesHang = false;
        this.etcd.breakWatches(place.etcdLink);
      }
      place.replica?.process.resume();
      await this.start(place.node);
    }
  }

  /** Waits until nothing is wrong any more, and gives what still is. */
  async settled(): Promise<readonly string[]> {
    const endMs = this.clock.monotonicMs() + quietMs;
    for (;;) {
      await this.clock.advanceAsync(1_000);
      const wrong = await this.#wrong();
      if (wrong.length === 0 || this.clock.monotonicMs() >= endMs)
        return [...wrong, ...this.faults];
    }
  }

  /** What is not as it should be once all is quiet. */
  async #wrong(): Promise<string[]> {
    const wrong: string[] = [];
    const leaders = this.places.filter(({ replica }) => replica?.leadership.leads === true);
    if (leaders.length !== 1) wrong.push(`leaders: ${leaders.map(({ node }) => node).join(', ')}`);
    if (this.etcd.entries(leaderKey).length !== 1) wrong.push('etcd has no leader');
    const copies = [...this.registry.copies.values()].map(({ id, version }) => `${id}=${version}`);
    const wanted = [...this.#wanted].map(([id, version]) => `${id}=${version}`);
    differ(wrong, 'the registry', copies, wanted);
    const expected = [...this.#wanted].map(([id, version]) => textOf(mappingOf(id, version)));
    const inEtcd = await this.#inEtcd();
    differ(wrong, 'etcd', inEtcd.mappings.map(textOf), expected);
    const originals = this.etcd.entries(originalPrefix).map(({ key }) => key);
    const originalsWanted = [...this.#wanted].map(([id]) => originalKey(mappingOf(id, 0)));
    differ(wrong, "the original's keys", originals, originalsWanted);
    const foreign = this.#foreign === undefined ? [] : [this.#foreign];
    for (const key of foreign) {
      if (!inEtcd.unreadable.includes(key)) wrong.push(`${key}, which is no mapping, was not kept`);
    }
    for (const { node, replica } of this.places) {
      if (replica?.store.mapping.state !== 'following') {
        wrong.push(`the store of ${node} is ${replica?.store.mapping.state ?? 'not there'}`);
        continue;
      }
      differ(
        wrong,
        `the store of ${node}`,
        (await replica.store.loadMappings()).map(textOf),
        expected,
      );
    }
    return wrong;
  }

  async #inEtcd(): Promise<{ mappings: readonly Mapping[]; unreadable: readonly string[] }> {
    const read = (prefix: string) =>
      Promise.resolve({ entries: this.etcd.entries(prefix), revision: 1 });
    const { mappings, unreadable } = await readMappingSnapshot({ read } as never);
    return { mappings, unreadable: unreadable.map(({ key }) => key) };
  }

  #leads(node: string, epoch: number): void {
    // The news of a term may come late, after that of a newer one; what is written then is judged apart.
    const before = this.terms.get(epoch);
    if (before !== undefined) {
      this.registry.faults.push(`epoch ${epoch} is ${before}'s and ${node}'s`);
    }
    this.terms.set(epoch, node);
  }

  /** Whether one hears the other: both run, and no cable is out. */
  #hears(node: string, other: string): boolean {
    const [here, there] = [this.place(node), this.place(other)];
    return !here.peersCut && !there.peersCut && there.replica?.process.runs === true;
  }

  #probe(node: string, leader: string): Promise<'dead' | 'silent' | 'answers'> {
    const process = this.place(node).replica?.process;
    return new Promise((resolve) => {
      // As `replica.ts` waits; a refusal comes sooner than silence is certain.
      const { replica, peersCut } = this.place(leader);
      const isCut = peersCut || this.place(node).peersCut;
      const verdict =
        isCut || replica?.process.isPaused === true
          ? 'silent'
          : replica === undefined
            ? 'dead'
            : 'answers';
      process?.after(verdict === 'silent' ? 500 : 60, () => resolve(verdict));
    });
  }

  #pool(place: Place, process: ModelProcess) {
    place.answers.clear();
    return {
      answer: (name: string, handler: Answer): void => void place.answers.set(name, handler),
      query: async (
        name: string,
        payload: Uint8Array,
        { filterNodes = [], timeoutMs = 1_000 }: QueryOptions,
      ): Promise<QueryOutcome> => {
        const responses: { from: string; payload: Uint8Array }[] = [];
        for (const from of filterNodes) {
          if (!this.#hears(place.node, from)) continue;
          const query = { name, payload, from: place.node };
          const answered = await this.place(from).answers.get(name)?.(query);
          if (answered !== undefined) responses.push({ from, payload: answered });
        }
        await new Promise<void>((resolve) => {
          process.after(responses.length === filterNodes.length ? 20 : timeoutMs, resolve);
        });
        return { acks: [], responses, asked: filterNodes.length };
      },
    };
  }
}

function textOf({ originInstanceId, hash, serviceId, instanceId }: Mapping): string {
  return `${originInstanceId}=${hash} ${serviceId}/${instanceId}`;
}

function differ(
  wrong: string[],
  where: string,
  found: readonly string[],
  wanted: readonly string[],
): void {
  const [has, should] = [new Set(found), new Set(wanted)];
  const more = [...has].filter((one) => !should.has(one));
  const less = [...should].filter((one) => !has.has(one));
  if (more.length + less.length > 0) {
    wrong.push(`${where} has ${more.slice(0, 3).join(', ')}, lacks ${less.slice(0, 3).join(', ')}`);
  }
}
