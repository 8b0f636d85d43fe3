// From "no longer listed" to "gone": every server that answers is asked for the service again; what is
// absent everywhere is judged by how the registry has been answering.

import type { RemovalProof } from '../../model/records.ts';
import type { Held } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { Trouble } from '../common/trouble.ts';
import {
  isSuspiciousLoss,
  judge,
  lossWindowMs,
  type Continuity,
  type Missing,
} from '../common/trust.ts';
import type { UnknownReason } from '../driver.ts';
import type { NacosApi } from './api.ts';
import { idOf } from './codec.ts';
import type { Entry, Mirror } from './mirror.ts';
import type { NacosAddress } from './options.ts';
import type { NacosInstance, ServicePlace } from './wire.ts';

/** Services asked for at a time. */
const parallel = 6;
/** What some server still lists is asked for again after this. Raising it costs them less. */
const askAgainMs = 1_000;

/** What surrounds the decision. */
export interface Surroundings {
  readonly nowMs: number;
  readonly continuity: Continuity;
  /** When the last whole reading began, before this one. */
  readonly lastWholeMs: number;
  /** When the registry was last seen empty; `undefined`: never. */
  readonly lastEmptyMs: number | undefined;
  /** When this reading began. */
  readonly readingMs: number;
}

export interface Decided {
  readonly gone: readonly { readonly entry: Entry; readonly proof: RemovalProof }[];
  /** Listed by the second look. */
  readonly present: readonly NacosInstance[];
  readonly trouble: Trouble | undefined;
}

interface HeldItem {
  readonly entry: Entry;
  readonly missing: Missing;
  /** `absent`: no server lists it. `elsewhere`: another server than the one in use does. */
  readonly where: 'absent' | 'elsewhere';
  hold: { readonly reason: UnknownReason; readonly untilMs: number } | undefined;
}

interface Asked {
  readonly absent: readonly Entry[];
  readonly elsewhere: readonly Entry[];
  readonly present: readonly NacosInstance[];
  readonly trouble: Trouble | undefined;
}

export class Removals {
  readonly #items = new Map<string, HeldItem>();
  readonly #losses: { readonly atMs: number; readonly count: number }[] = [];
  readonly #mirror: Mirror;
  readonly #api: NacosApi;
  readonly #others: () => readonly NacosAddress[];

  /** `others`: the servers that are not in use. */
  constructor(mirror: Mirror, api: NacosApi, others: () => readonly NacosAddress[]) {
    this.#mirror = mirror;
    this.#api = api;
    this.#others = others;
  }

  /** Confirms and judges all that is missing from the mirror. Nothing is removed from it here. */
  async decide(around: Surroundings): Promise<Decided> {
    const absent = this.#mirror.missing();
    const keys = new Set(absent.map(({ key }) => key));
    for (const key of this.#items.keys()) if (!keys.has(key)) this.#items.delete(key);
    const { nowMs } = around;
    const open = absent.filter(({ key }) => {
      const item = this.#items.get(key);
      return (
        item === undefined ||
        (item.where === 'elsewhere' && nowMs - item.missing.sinceMs >= askAgainMs)
      );
    });
    const first = await this.#ask(open);
    this.#note(first.absent.filter(isNative), 'absent', around);
    this.#note(first.elsewhere, 'elsewhere', around);

    const matured: HeldItem[] = [];
    // A copy is ours to judge: absent by every server's answer, it is to be written again at once.
    const gone: { entry: Entry; proof: RemovalProof }[] = first.absent
      .filter((entry) => !isNative(entry))
      .map((entry) => ({ entry, proof: 'absence' }));
    for (const item of this.#items.values()) {
      const verdict = this.#judge(item, around);
      switch (verdict.kind) {
        case 'hold':
          item.hold = { reason: verdict.reason, untilMs: verdict.untilMs };
          break;
        case 'gone':
          if (item.hold === undefined) gone.push({ entry: item.entry, proof: verdict.proof });
          else matured.push(item);
          break;
      }
    }
    // Waited for: asked once more before it is said. The others were asked just now.
    const again = await this.#ask(matured.map(({ entry }) => entry));
    for (const entry of again.absent) gone.push({ entry, proof: 'absence' });
    for (const { entry } of gone) this.#items.delete(entry.key);
    return {
      gone,
      present: [...first.present, ...again.present],
      trouble: first.trouble ?? again.trouble,
    };
  }

  held(): Held | undefined {
    const holds = [...this.#items.values()].flatMap(({ hold }) => hold ?? []);
    const [first, ...rest] = holds;
    if (first === undefined) return undefined;
    const worst = rest.reduce(
      (left, right) => (right.untilMs > left.untilMs ? right : left),
      first,
    );
    return { ...worst, instances: holds.length, services: 0 };
  }

  #judge(item: HeldItem, around: Surroundings): ReturnType<typeof judge> {
    return judge(item.missing, {
      nowMs: around.nowMs,
      continuity: around.continuity,
      empty: this.#mirror.listed === 0,
      lastEmptyMs: around.lastEmptyMs,
      totalsAgree: around.readingMs > item.missing.sinceMs,
      nodesDiffer: item.where === 'elsewhere',
    });
  }

  #note(entries: readonly Entry[], where: HeldItem['where'], around: Surroundings): void {
    if (entries.length === 0) return;
    const { nowMs, lastWholeMs } = around;
    let suspicious = false;
    if (where === 'absent') {
      while ((this.#losses[0]?.atMs ?? nowMs) < nowMs - lossWindowMs) this.#losses.shift();
      this.#losses.push({ atMs: nowMs, count: entries.length });
      const lost = this.#losses.reduce((sum, { count }) => sum + count, 0);
      suspicious = isSuspiciousLoss(lost, this.#mirror.listed + lost);
    }
    const lastPresentMs = where === 'absent' ? lastWholeMs : nowMs;
    for (const entry of entries) {
      const missing = { leaseMs: entry.leaseMs, lastPresentMs, sinceMs: nowMs, suspicious };
      this.#items.set(entry.key, { entry, missing, where, hold: undefined });
    }
  }

  /** Asks every server for the services of `entries`, each service once. */
  async #ask(entries: readonly Entry[]): Promise<Asked> {
    const absent: Entry[] = [];
    const elsewhere: Entry[] = [];
    const present: NacosInstance[] = [];
    let trouble: Trouble | undefined;
    const services = Map.groupBy(entries, ({ place }) => JSON.stringify(place));
    await eachLimited([...services.values()], parallel, async (members) => {
      const place = members[0]?.place;
      if (place === undefined) return;
      const here = await this.#list(place, undefined);
      if (!here.ok) {
        trouble = here.trouble;
        return;
      }
      const missing = members.filter(({ id }) => {
        const found = here.value.get(id);
        if (found !== undefined) present.push(found);
        return found === undefined;
      });
      if (missing.length === 0) return;
      const there = new Set<string>();
      for (const address of this.#others()) {
        const other = await this.#list(place, address);
        if (other.ok) for (const id of other.value.keys()) there.add(id);
      }
      for (const entry of missing) (there.has(entry.id) ? elsewhere : absent).push(entry);
    });
    return { absent, elsewhere, present, trouble };
  }

  async #list(
    place: ServicePlace,
    address: NacosAddress | undefined,
  ): Promise<
    | { readonly ok: true; readonly value: ReadonlyMap<string, NacosInstance> }
    | { readonly ok: false; readonly trouble: Trouble }
  > {
    const list = await this.#api.service(place, address === undefined ? {} : { address });
    if (!list.ok) return list;
    return { ok: true, value: new Map(list.value.map((each) => [idOf(each), each])) };
  }
}

function isNative({ from }: Entry): boolean {
  return from === undefined;
}
