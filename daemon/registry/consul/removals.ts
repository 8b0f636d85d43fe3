// From "no longer listed" to "gone": the service is read once more, from the leader, and what is absent
// still is judged by how the registry has been answering.

import type { RemovalProof } from '../../model/records.ts';
import type { Held } from '../common/condition.ts';
import {
  isSuspiciousLoss,
  judge,
  lossWindowMs,
  type Continuity,
  type Missing,
} from '../common/trust.ts';
import type { Trouble } from '../common/trouble.ts';
import type { Entry, Mirror } from './mirror.ts';

/** What surrounds the decision. */
export interface Surroundings {
  readonly nowMs: number;
  readonly continuity: Continuity;
  /** When the last complete reading began, before this one. */
  readonly lastWholeMs: number;
  /** When the registry was last seen empty; `undefined`: never. */
  readonly lastEmptyMs: number | undefined;
  /** When everything was last read. */
  readonly lastFullMs: number;
}

export interface Gone {
  readonly entry: Entry;
  readonly proof: RemovalProof;
}

interface HeldItem {
  readonly entry: Entry;
  readonly missing: Missing;
  hold: Pick<Held, 'reason' | 'untilMs'> | undefined;
}

export class Removals {
  readonly #items = new Map<string, HeldItem>();
  readonly #losses: { readonly atMs: number; readonly count: number }[] = [];
  readonly #mirror: Mirror;
  readonly #reread: (names: ReadonlySet<string>) => Promise<Trouble | undefined>;

  /** `reread`: reads these names from the leader, into the mirror. */
  constructor(
    mirror: Mirror,
    reread: (names: ReadonlySet<string>) => Promise<Trouble | undefined>,
  ) {
    this.#mirror = mirror;
    this.#reread = reread;
  }

  /** Since when a loss is held that may be no loss: everything is to be read again. */
  get suspiciousSinceMs(): number | undefined {
    const since = [...this.#items.values()].flatMap(({ missing }) =>
      missing.suspicious ? [missing.sinceMs] : [],
    );
    return since.length === 0 ? undefined : Math.max(...since);
  }

  /** Confirms and judges all that is missing from the mirror. Nothing is removed from it here. */
  async decide(around: Surroundings): Promise<{
    readonly gone: readonly Gone[];
    readonly trouble: Trouble | undefined;
  }> {
    this.#forgetPresent();
    const open = this.#mirror.missing().filter((entry) => !this.#items.has(keyOf(entry)));
    const trouble = await this.#readAgain(open);
    if (trouble !== undefined) return { gone: [], trouble };
    const confirmed = open.filter((entry) => !this.#isListed(entry));
    this.#note(confirmed.filter(isNative), around);
    // A copy is ours to judge: absent by the leader's own answer, it is to be written again at once.
    const gone: Gone[] = confirmed
      .filter((entry) => !isNative(entry))
      .map((entry) => ({ entry, proof: 'absence' }));
    const matured: HeldItem[] = [];
    for (const item of this.#items.values()) {
      const verdict = judge(item.missing, {
        nowMs: around.nowMs,
        continuity: around.continuity,
        empty: this.#mirror.listed === 0,
        lastEmptyMs: around.lastEmptyMs,
        totalsAgree: around.lastFullMs > item.missing.sinceMs,
        nodesDiffer: false,
      });
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
    // Waited for: read once more before it is said. The others were read just now.
    const late = await this.#readAgain(matured.map(({ entry }) => entry));
    if (late === undefined) {
      for (const { entry } of matured) {
        if (!this.#isListed(entry)) gone.push({ entry, proof: 'absence' });
      }
    }
    for (const { entry } of gone) this.#items.delete(keyOf(entry));
    this.#forgetPresent();
    return { gone, trouble: late };
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

  #readAgain(entries: readonly Entry[]): Promise<Trouble | undefined> {
    if (entries.length === 0) return Promise.resolve(undefined);
    return this.#reread(new Set(entries.map(({ name }) => name)));
  }

  #isListed({ serviceId, instanceId }: Entry): boolean {
    return this.#mirror.entry(serviceId, instanceId)?.listed === true;
  }

  #forgetPresent(): void {
    for (const [key, { entry }] of this.#items) {
      const now = this.#mirror.entry(entry.serviceId, entry.instanceId);
      if (now?.listed !== false) this.#items.delete(key);
    }
  }

  #note(entries: readonly Entry[], { nowMs, lastWholeMs }: Surroundings): void {
    if (entries.length === 0) return;
    while ((this.#losses[0]?.atMs ?? nowMs) < nowMs - lossWindowMs) this.#losses.shift();
    this.#losses.push({ atMs: nowMs, count: entries.length });
    const lost = this.#losses.reduce((sum, { count }) => sum + count, 0);
    const suspicious = isSuspiciousLoss(lost, this.#mirror.listed + lost);
    for (const entry of entries) {
      const { leaseMs } = entry;
      this.#items.set(keyOf(entry), {
        entry,
        missing: { leaseMs, lastPresentMs: lastWholeMs, sinceMs: nowMs, suspicious },
        hold: undefined,
      });
    }
  }
}

function isNative({ stamp }: Entry): boolean {
  return stamp === undefined;
}

function keyOf({ serviceId, instanceId }: Entry): string {
  return `${serviceId}/${instanceId}`;
}
