// Removals that wait for a person, and what the person said. Kept in the store: a restart neither
// forgets nor repeats a decision.

import { because, type Reason } from '../model/reason.ts';
import type { AuditEntry, HeldRemoval, HeldStore, StateStore } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { HeldSelection } from './engine.ts';

const keepPrefix = 'keep-until/';

export class HeldRemovals {
  readonly #store: HeldStore & StateStore;
  readonly #clock: Clock;
  readonly #audit: (entry: Omit<AuditEntry, 'timeMs'>) => void;
  readonly #held = new Map<string, HeldRemoval>();
  /** Ends of `keep` decisions, milliseconds since 1970. */
  readonly #keepUntil = new Map<string, number>();
  readonly #approved = new Set<string>();

  constructor(
    store: HeldStore & StateStore,
    clock: Clock,
    audit: (entry: Omit<AuditEntry, 'timeMs'>) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#audit = audit;
  }

  async load(state: ReadonlyMap<string, string>): Promise<void> {
    for (const held of await this.#store.loadHeld()) this.#held.set(held.id, held);
    for (const [key, value] of state) {
      if (key.startsWith(keepPrefix)) this.#keepUntil.set(key.slice(keepPrefix.length), +value);
    }
  }

  list(): readonly HeldRemoval[] {
    return [...this.#held.values()];
  }
  get size(): number {
    return this.#held.size;
  }
  /** What stands about a copy; a `keep` whose time is over waits again. */
  get(id: string): HeldRemoval | undefined {
    const held = this.#held.get(id);
    const untilMs = this.#keepUntil.get(id);
    if (held?.decision !== 'keep' || untilMs === undefined || this.#clock.nowMs() < untilMs) {
      return held;
    }
    this.#forgetKeep(id);
    const waiting: HeldRemoval = { ...held, decision: 'waiting' };
    this.#put(waiting);
    return waiting;
  }
  isApproved(id: string): boolean {
    return this.#approved.has(id);
  }
  waitingOf(cluster: string): number {
    return this.list().filter((held) => held.cluster === cluster && held.decision === 'waiting')
      .length;
  }
  countOf(cluster: string): number {
    return this.list().filter((held) => held.cluster === cluster).length;
  }

  hold(held: Omit<HeldRemoval, 'heldSinceMs' | 'decision'>): void {
    if (this.#held.has(held.id)) return;
    this.#put({ ...held, heldSinceMs: this.#clock.nowMs(), decision: 'waiting' });
    this.#say('held', held, held.reason);
  }

  /** The question has settled itself: the origin names it again, or the copy is gone. */
  release(id: string): void {
    this.#approved.delete(id);
    if (!this.#held.delete(id)) return;
    this.#store.deleteHeld(id);
    this.#forgetKeep(id);
  }

  /** Lets the selected removals happen; gives them. */
  approve(selection: HeldSelection): readonly HeldRemoval[] {
    const selected = this.#select(selection);
    for (const held of selected) {
      this.release(held.id);
      this.#approved.add(held.id);
      this.#say('approved', held, because('person-approved'));
    }
    return selected;
  }

  keep(selection: HeldSelection, untilMs: number | undefined): readonly HeldRemoval[] {
    const selected = this.#select(selection);
    for (const held of selected) {
      this.#put({ ...held, decision: 'keep' });
      this.#forgetKeep(held.id);
      if (untilMs !== undefined) {
        this.#keepUntil.set(held.id, untilMs);
        this.#store.putState(keepPrefix + held.id, String(untilMs));
      }
      const time =
        untilMs === undefined ? undefined : { durationMs: untilMs - this.#clock.nowMs() };
      const reason =
        time === undefined ? because('person-keeps') : because('person-keeps-for', { time });
      this.#say('kept', held, reason);
    }
    return selected;
  }

  #select(selection: HeldSelection): readonly HeldRemoval[] {
    const all = this.list();
    if ('all' in selection) return all;
    if ('cluster' in selection) return all.filter(({ cluster }) => cluster === selection.cluster);
    return all.filter(({ id }) => selection.ids.includes(id));
  }

  #put(held: HeldRemoval): void {
    this.#held.set(held.id, held);
    this.#store.putHeld(held);
  }

  #forgetKeep(id: string): void {
    if (this.#keepUntil.delete(id)) this.#store.deleteState(keepPrefix + id);
  }

  #say(action: string, held: Omit<HeldRemoval, 'heldSinceMs' | 'decision'>, reason: Reason): void {
    this.#audit({
      action,
      cluster: held.cluster,
      service: held.originServiceId,
      instance: held.originInstanceId,
      reason,
    });
  }
}
