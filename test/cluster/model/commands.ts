// What may befall a site, as commands of fast-check: each is one act, followed by a while of virtual time.

import fc from 'fast-check';
import type { Site } from './site.ts';

/** Nothing is expected step by step: the site judges itself all the time, and at the end. */
export type Expectation = Record<string, never>;

/** Whoever leads when it happens: its misfortune is the more interesting one. */
const leader = 'leader';
const hourMs = 3_600_000;

interface Act {
  readonly name: string;
  readonly node: string;
  /** How much of it; 0 to 1. */
  readonly size: number;
  /** Virtual time that passes afterwards. */
  readonly thenMs: number;
}

type Deed = (site: Site, act: Act) => void | Promise<void>;

const deeds = {
  changeALot: (site, { size }) => site.change(Math.ceil(size * 200), 0, Math.floor(size * 9)),
  kill: (site, { node }) => site.kill(node),
  stop: (site, { node }) => site.stop(node),
  start: (site, { node }) => site.start(node),
  loseDisk: async (site, { node }) => {
    site.kill(node);
    site.place(node).disk.wipe();
    await site.start(node);
  },
  pause: (site, { node }) => site.place(node).replica?.process.pause(),
  resume: (site, { node }) => site.place(node).replica?.process.resume(),
  handOver: (site, { node }) => void site.place(node).replica?.leadership.handOver(),
  cutFromEtcd: (site, { node }) => void (site.place(node).etcdLink.isCut = true),
  cutFromPeers: (site, { node }) => void (site.place(node).peersCut = true),
  cutFromRegistry: (site, { node }) => void (site.place(node).registryLink.isCut = true),
  /** From the other two, and from etcd with them; it still reaches the registry. */
  isolate: (site, { node }) => {
    site.place(node).etcdLink.isCut = true;
    site.place(node).peersCut = true;
  },
  slowRegistry: (site, { node, size }) => {
    site.place(node).registryLink.travelMs = 25 + size * 200;
  },
  mend: (site, { node }) => {
    const place = site.place(node);
    place.etcdLink.isCut = false;
    place.registryLink.isCut = false;
    place.peersCut = false;
  },
  hangWatches: (site, { node }) => void (site.place(node).etcdLink.watchesHang = true),
  breakWatches: (site, { node }) => {
    const { etcdLink } = site.place(node);
    etcdLink.watchesHang = false;
    site.etcd.breakWatches(etcdLink);
  },
  loseQuorum: (site) => void (site.etcd.hasQuorum = false),
  regainQuorum: (site) => void (site.etcd.hasQuorum = true),
  slowEtcd: (site, { size }) => void (site.etcd.slowMs = size * 2_500),
  quickEtcd: (site) => void (site.etcd.slowMs = 0),
  compact: (site) => site.etcd.compact(),
  stepClock: (site, { node, size }) => {
    const place = site.place(node);
    place.wallOffsetMs = size < 0.5 ? -hourMs : hourMs;
    if (place.replica !== undefined) place.replica.process.wallOffsetMs = place.wallOffsetMs;
  },
  putForeign: (site) => site.putForeign(),
} as const satisfies Record<string, Deed>;

type DeedName = keyof typeof deeds;

/** More often what cuts a leader off, and what brings things back. */
const names: readonly DeedName[] = [
  ...(Object.keys(deeds) as DeedName[]),
  ...(['start', 'resume', 'mend', 'mend', 'handOver', 'pause', 'isolate', 'isolate'] as const),
];

class Command implements fc.AsyncCommand<Expectation, Site> {
  readonly #act: Act & { readonly name: DeedName };

  constructor(act: Act & { readonly name: DeedName }) {
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_expected: Expectation, site: Site): Promise<void> {
    const node = this.#act.node === leader ? site.leader : this.#act.node;
    await deeds[this.#act.name](site, { ...this.#act, node });
    await site.clock.advanceAsync(this.#act.thenMs);
    if (site.faults.length > 0) throw new Error(site.faults.slice(0, 4).join('\n'));
  }

  toString(): string {
    const { name, node, size, thenMs } = this.#act;
    return `${name}(${node}, ${size.toFixed(2)}) ${thenMs} ms`;
  }
}

/** Gives sequences of acts. */
export function misfortunes(maxCommands: number) {
  const act = fc.record({
    name: fc.constantFrom(...names),
    node: fc.constantFrom('one', 'two', 'three', leader, leader),
    size: fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100),
    // Often a moment, so that one thing happens into another; sometimes longer than a lease.
    thenMs: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 400 }) },
      { weight: 3, arbitrary: fc.integer({ min: 400, max: 2_500 }) },
      { weight: 1, arbitrary: fc.integer({ min: 6_000, max: 9_000 }) },
    ),
  });
  return fc.commands([act.map((one) => new Command(one))], { maxCommands, size: 'max' });
}
