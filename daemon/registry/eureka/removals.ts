// From "no longer listed" to "gone": every server that answers is asked for the instance itself, past
// all caches; what is absent everywhere is judged by how the registry has been answering.

import type { RemovalProof } from '../../model/records.ts';
import type { UnknownReason } from '../driver.ts';
import type { Held } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import {
  isSuspiciousLoss,
  judge,
  lossWindowMs,
  type Continuity,
  type Missing,
} from '../common/trust.ts';
import type { Trouble } from '../common/trouble.ts';
import { isUnreachableId, type EurekaApi } from './api.ts';
import type { Entry, Mirror } from './mirror.ts';
import type { EurekaAddress } from './options.ts';
import type { EurekaInstance } from './wire.ts';

/** Instances asked for at a time. */
const parallel = 6;
/** What some server still answers for is asked for again after this. Raising it costs them less. */
const askAgainMs = 1_000;

/** What surrounds the decision. */
export interface Surroundings {
  readonly nowMs: number;
  readonly continuity: Continuity;
  /** When the last reading began that agreed with the server's hash, before this one. */
  readonly lastWholeMs: number;
  /** When the registry was last seen empty; `undefined`: never. */
  readonly lastEmptyMs: number | undefined;
  /** When everything was last read and agreed with its hash. */
  readonly lastFullMs: number;
}

export interface Decided {
  readonly gone: readonly { readonly entry: Entry; readonly proof: RemovalProof }[];
  /** Answered for themselves although the list does not name them. */
  readonly present: readonly EurekaInstance[];
  readonly trouble: Trouble | undefined;
}

interface HeldItem {
  readonly entry: Entry;
  readonly missing: Missing;
  /**
   * `absent`: no server knows it. `elsewhere`: another server than the one in use does. `present`: the
   * server in use does, and its list is older than that (peers.md §3, "Delay").
   */
  readonly where: 'absent' | 'elsewhere' | 'present';
  hold: { readonly reason: UnknownReason; readonly untilMs: number } | undefined;
}

export class Removals {
  readonly #items = new Map<string, HeldItem>();
  readonly #losses: { readonly atMs: number; readonly count: number }[] = [];
  readonly #mirror: Mirror;
  readonly #api: EurekaApi;
  readonly #others: () => readonly EurekaAddress[];

  /** `others`: the servers that are not in use. */
  constructor(mirror: Mirror, api: EurekaApi, others: () => readonly EurekaAddress[]) {
    this.#mirror = mirror;
    this.#api = api;
    this.#others = others;
  }

  /** Since when a loss is held that may be no loss: everything is to be read again. */
  get suspiciousSinceMs(): number | undefined {
    const since = [...this.#items.values()].flatMap(({ missing }) =>
      missing.suspicious ? [missing.sinceMs] : [],
    );
    return since.length === 0 ? undefined : Math.max(...since);
  }

  /** Confirms and judges all that is missing from the mirror. Nothing is removed from it here. */
  async decide(around: Surroundings): Promise<Decided> {
    const absent = this.#mirror.missing();
    const keys = new Set(absent.map(keyOf));
    for (const key of this.#items.keys()) if (!keys.has(key)) this.#items.delete(key);
    const { nowMs } = around;
    const open = absent.filter((entry) => {
      const item = this.#items.get(keyOf(entry));
      return (
        item === undefined ||
        (item.where !== 'absent' && nowMs - item.missing.sinceMs >= askAgainMs)
      );
    });
    const first = await this.#ask(open);
    this.#noteAbsent(first.absent.filter(isNative), around);
    this.#noteThere(first.elsewhere, 'elsewhere', nowMs);
    this.#noteThere(first.presentEntries, 'present', nowMs);

    const judged = [...this.#items.values()].filter(({ where }) => where !== 'present');
    const verdicts = judged.map((item) => ({ item, verdict: this.#judge(item, around) }));
    const matured: HeldItem[] = [];
    // A copy is ours to judge: absent by every server's own answer, it is to be written again at once.
    const gone: { entry: Entry; proof: RemovalProof }[] = first.absent
      .filter((entry) => !isNative(entry))
      .map((entry) => ({ entry, proof: 'absence' }));
    for (const { item, verdict } of verdicts) {
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
    for (const { entry } of gone) this.#items.delete(keyOf(entry));
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
      totalsAgree: around.lastFullMs > item.missing.sinceMs,
      nodesDiffer: item.where === 'elsewhere',
    });
  }

  #noteAbsent(entries: readonly Entry[], around: Surroundings): void {
    if (entries.length === 0) return;
    const { nowMs, lastWholeMs } = around;
    while ((this.#losses[0]?.atMs ?? nowMs) < nowMs - lossWindowMs) this.#losses.shift();
    this.#losses.push({ atMs: nowMs, count: entries.length });
    const lost = this.#losses.reduce((sum, { count }) => sum + count, 0);
    const suspicious = isSuspiciousLoss(lost, this.#mirror.listed + lost);
    for (const entry of entries) {
      const { leaseMs } = entry;
      this.#items.set(keyOf(entry), {
        entry,
        missing: { leaseMs, lastPresentMs: lastWholeMs, sinceMs: nowMs, suspicious },
        where: 'absent',
        hold: undefined,
      });
    }
  }

  #noteThere(entries: readonly Entry[], where: 'elsewhere' | 'present', nowMs: number): void {
    for (const entry of entries) {
      const { leaseMs } = entry;
      const missing = { leaseMs, lastPresentMs: nowMs, sinceMs: nowMs, suspicious: false };
      this.#items.set(keyOf(entry), { entry, missing, where, hold: undefined });
    }
  }

  /**
   * Asks every server for each of `entries`. Present: the server in use has it. Elsewhere: only
   * another one has. Absent: all that answered, the one in use among them, do not know it.
   */
  async #ask(entries: readonly Entry[]): Promise<{
    readonly absent: readonly Entry[];
    readonly elsewhere: readonly Entry[];
    readonly presentEntries: readonly Entry[];
    readonly present: readonly EurekaInstance[];
    readonly trouble: Trouble | undefined;
  }> {
    const absent: Entry[] = [];
    const elsewhere: Entry[] = [];
    const presentEntries: Entry[] = [];
    const present: EurekaInstance[] = [];
    let trouble: Trouble | undefined;
    await eachLimited(entries, parallel, async (entry) => {
      const here = await this.#find(entry, undefined);
      if (!here.ok) {
        trouble = here.trouble;
        return;
      }
      if (here.value !== undefined) {
        present.push(here.value);
        presentEntries.push(entry);
        return;
      }
      for (const address of this.#others()) {
        const there = await this.#find(entry, address);
        if (there.ok && there.value !== undefined) {
          elsewhere.push(entry);
          return;
        }
      }
      absent.push(entry);
    });
    return { absent, elsewhere, presentEntries, present, trouble };
  }

  async #find(
    { app, id }: Entry,
    address: EurekaAddress | undefined,
  ): Promise<
    | { readonly ok: true; readonly value: EurekaInstance | undefined }
    | { readonly ok: false; readonly trouble: Trouble }
  > {
    const how = address === undefined ? {} : { address };
    if (!isUnreachableId(id)) return this.#api.instance(app, id, how);
    const list = await this.#api.application(app, how);
    if (!list.ok) return list;
    return { ok: true, value: list.value.find((each) => each.id === id) };
  }
}

function isNative({ from }: Entry): boolean {
  return from === undefined;
}

function keyOf({ app, id }: Entry): string {
  return `${app}/${id}`;
}
