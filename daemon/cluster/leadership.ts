// Carries the election out: etcd's key and lease, the clock, the second look at a doubted leader. What
// happens next is `election.ts`'s to say.

import type { EtcdEntry, EtcdGuard, EtcdKv, EtcdWatch } from '../store/etcd-kv.ts';
import { ownPrefix } from '../store/etcd-mapping.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import {
  following,
  isOver,
  mayFinish,
  mayRenew,
  mayWrite,
  step,
  type ElectionEffect,
  type ElectionEvent,
  type LeaderEntry,
  type Term,
} from './election.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Fence } from './fence.ts';
import { leaderKey } from './keys.ts';
import { ForeignValue, readLeader, readTerm } from './leader-values.ts';
import { WritePermits, type WritePermit } from './permits.ts';
import { noSingle } from './single.ts';

/** The newest term (`Term`). */
const epochKey = `${ownPrefix}epoch`;
/** The lease of the last leader that is known to write no more: it gave it back, or is dead. */
const overKey = `${ownPrefix}over`;
/** Length of the leader's lease. Raising it rides out longer trouble, and an unseen death lasts longer. */
const leaseSeconds = 6;
const keepEveryMs = 400;
/**
 * How often a follower reads the leader's key beside watching it: a watch whose stream hangs tells
 * nothing for ever. Raising it saves a read, and such a follower sees a lost leader later.
 */
const lookEveryMs = 2_000;
/** How long one that handed the lead over leaves it to the others. */
const yieldMs = 5_000;
/** How long a stop waits for a campaign that is under way; its lease ends by itself otherwise. */
const campaignEndsMs = 1_000;
/**
 * How long one that gives the lead back waits for its writes under way. Raising it helps a slow registry
 * to a hand-over without a pause; one that does not answer makes it wait in vain.
 */
const drainMs = 250;

export interface LeadershipOptions {
  readonly node: string;
  readonly etcd: EtcdKv & Pick<EtcdClient, 'grant' | 'keepAlive' | 'revoke'>;
  /** Whether this replica could lead: its registry has been read. */
  readonly able: () => boolean;
  /** The newest epoch known from elsewhere (stamps, earlier runs): the next one is past it. */
  readonly newestEpoch: () => number;
  /**
   * Asks a doubted leader itself, by another way than the first sign came. `dead`: nothing of the old
   * process is left; `silent`: it may still run.
   */
  readonly probe: (node: string) => Promise<'dead' | 'silent' | 'answers'>;
  /** Whether the first sign that the leader is dead holds still: asked again and again. */
  readonly suspects: (leader: LeaderEntry) => boolean;
  readonly changed: (leader: LeaderEntry | undefined, leads: boolean) => void;
  /** Waits a moment for what was written to be in etcd: asked before the lead is given back. */
  readonly settled: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Leadership implements Fence {
  readonly #options: LeadershipOptions;
  #state;
  #watch: EtcdWatch | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  #keeping = false;
  #looking = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** No campaign before this: the lead was handed over. */
  #yieldsUntilMs = Number.NEGATIVE_INFINITY;
  #campaigning: Promise<void> = Promise.resolve();
  #changedMs: number;
  #foreign: string | undefined;
  /** The term that is being given back: no write begins in it. */
  #ending: string | undefined;
  readonly #permits: WritePermits;

  constructor(options: LeadershipOptions) {
    const { clock } = options;
    this.#options = options;
    this.#state = following(options.node);
    this.#changedMs = clock.monotonicMs();
    this.#permits = new WritePermits({
      term: () => {
        const { leader } = this.#state;
        return this.leads && leader?.lease !== this.#ending ? leader : undefined;
      },
      mayBegin: () => mayWrite(this.#state, clock.monotonicMs()),
      mayGoOn: (lease) =>
        this.#state.leader?.lease === lease && mayFinish(this.#state, clock.monotonicMs()),
      clock,
    });
  }

  get leader(): LeaderEntry | undefined {
    return this.#state.leader;
  }
  get leads(): boolean {
    return this.#state.phase === 'leading';
  }
  /** How long nobody has led, as far as is known; `undefined`: somebody does. */
  get leaderlessMs(): number | undefined {
    if (this.#state.leader !== undefined) return undefined;
    return this.#options.clock.monotonicMs() - this.#changedMs;
  }
  /** A key of the election that holds what no syncer has written: nobody can be elected. */
  get foreign(): string | undefined {
    return this.#foreign;
  }
  /** What writes to etcd are guarded by; `undefined`: we do not lead. */
  get guard(): EtcdGuard | undefined {
    const { leader } = this.#state;
    if (!this.leads || leader === undefined) return undefined;
    return guardOf(leader);
  }

  start(): void {
    void this.#follow();
    this.#tick();
  }

  /** Gives the lead back at once. */
  async resign(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#watch?.stop();
    await this.#giveBack({ type: 'resign' });
    await Promise.race([
      this.#campaigning,
      new Promise<void>((resolve) => void this.#options.clock.after(campaignEndsMs, resolve)),
    ]);
  }

  /** Hands the lead over and stays; false: this replica does not lead. */
  async handOver(): Promise<boolean> {
    if (!this.leads) return false;
    this.#yieldsUntilMs = this.#options.clock.monotonicMs() + yieldMs;
    await this.#giveBack({ type: 'yield' });
    return true;
  }

  /**
   * Stops writing first; then says in etcd that this term is over, so that the next begins at once. Where
   * a write is still under way, or one of a leader before us may be, nothing is said, and the next waits.
   */
  async #giveBack(event: ElectionEvent): Promise<void> {
    const { etcd, settled } = this.#options;
    const lease = this.leads ? this.#state.leader?.lease : undefined;
    let isDrained = false;
    if (lease !== undefined) {
      this.#ending = lease;
      this.#permits.wake();
      isDrained = await this.#permits.drained(drainMs);
      await settled();
    }
    const { guard } = this;
    const { leader, cleared } = this.#state;
    this.#feed(event, false);
    // Lost meanwhile, or never held.
    if (guard === undefined || lease === undefined || leader?.lease !== lease) return;
    if (isDrained && cleared) {
      const marker = { type: 'put', key: overKey, value: lease } as const;
      await etcd.commit([guard], [marker]).catch(() => undefined);
    }
    await etcd.revoke(lease).catch(() => undefined);
  }

  /** What `able` asks may have changed. */
  look(): void {
    if (!this.leads) this.#able();
  }

  /** A first sign that a replica is dead. */
  doubt(node: string): void {
    this.#feed({ type: 'doubt', node });
  }

  begin(signal: AbortSignal): Promise<WritePermit | undefined> {
    return this.#permits.begin(signal);
  }

  mayRenew(): boolean {
    return mayRenew(this.#state, this.#options.clock.monotonicMs());
  }

  #feed(event: ElectionEvent, perform = true): void {
    const before = this.#state;
    const { state, effects } = step(before, event);
    this.#state = state;
    for (const effect of effects) if (perform || effect.type === 'follow') this.#perform(effect);
    if (before.leader?.lease !== state.leader?.lease) {
      this.#changedMs = this.#options.clock.monotonicMs();
    }
    if (before.leader?.lease !== state.leader?.lease || before.phase !== state.phase) {
      this.#options.changed(state.leader, this.leads);
    }
    this.#permits.wake();
  }

  #perform(effect: ElectionEffect): void {
    const { logger, node } = this.#options;
    switch (effect.type) {
      case 'campaign':
        this.#campaigning = this.#campaign();
        return;
      case 'lead':
        logger.info({ epoch: effect.leader.epoch }, `${node} leads`);
        return;
      case 'clear':
        void this.#clear(effect.leader);
        return;
      case 'follow':
        logger.info({ reason: effect.reason }, `${node} leads no more: ${effect.reason}`);
        return;
      case 'probe':
        void this.#probe(effect.leader);
        return;
      case 'revoke':
        this.#options.etcd.revoke(effect.lease).catch((error: unknown) => {
          logger.debug({ error: String(error) }, 'a lease was not ended');
        });
        return;
    }
  }

  /** Reads the key, and watches it from there; again when the watch ends. */
  async #follow(): Promise<void> {
    const { etcd, clock } = this.#options;
    const again = (): void => void clock.after(300, () => void this.#follow());
    const revision = await this.#look();
    if (this.#stopped) return;
    if (revision === undefined) {
      again();
      return;
    }
    this.#watch = etcd.watch(leaderKey, revision + 1, {
      changed: (changes) => {
        for (const change of changes) {
          if (change.key !== leaderKey) continue;
          this.#seen(change.type === 'delete' ? undefined : change, change.changedRevision);
        }
        this.#able();
      },
      ended: again,
    });
  }

  /** The leader's key as it was at `revision`. */
  #seen(entry: EtcdEntry | undefined, revision: number): void {
    try {
      const leader = entry === undefined ? undefined : readLeader(entry);
      if (this.#foreign === leaderKey) this.#foreign = undefined;
      this.#feed({ type: 'seen', leader, revision });
    } catch (error) {
      // While it stands there nobody can win the key; it is for people to take it away.
      this.#isForeign(error);
    }
  }

  #isForeign(error: unknown): void {
    if (!(error instanceof ForeignValue)) return;
    const { key, message } = error;
    if (key !== this.#foreign) this.#options.logger.error({ key }, message);
    this.#foreign = key;
  }

  /** Reads the key; gives etcd's revision, `undefined` when etcd did not answer. */
  async #look(): Promise<number | undefined> {
    if (this.#stopped) return undefined;
    this.#looking = true;
    try {
      const { entry, revision } = await this.#options.etcd.get(leaderKey);
      this.#seen(entry, revision);
      this.#able();
      return revision;
    } catch (error) {
      this.#options.logger.debug({ error: String(error) }, 'etcd was not read');
      return undefined;
    } finally {
      this.#looking = false;
      this.#lookedMs = this.#options.clock.monotonicMs();
    }
  }

  #able(): void {
    if (this.#stopped || this.#options.clock.monotonicMs() < this.#yieldsUntilMs) return;
    this.#feed({ type: 'able', able: this.#options.able() });
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#able();
    const { leader } = this.#state;
    if (!this.leads && leader !== undefined && this.#options.suspects(leader)) {
      this.doubt(leader.node);
    }
    if (this.leads && !this.#keeping) void this.#keep();
    const sinceMs = this.#options.clock.monotonicMs() - this.#lookedMs;
    if (!this.leads && !this.#looking && sinceMs >= lookEveryMs) void this.#look();
    this.#timer = this.#options.clock.after(keepEveryMs, () => this.#tick());
  }

  async #keep(): Promise<void> {
    const { etcd, clock } = this.#options;
    const lease = this.#state.leader?.lease ?? '';
    const sentMs = clock.monotonicMs();
    this.#keeping = true;
    try {
      const seconds = await etcd.keepAlive(lease);
      if (seconds <= 0) this.#feed({ type: 'lease-gone', lease });
      else this.#feed({ type: 'kept', lease, sentMs, ttlMs: seconds * 1000 });
    } catch {
      this.#feed({ type: 'keep-failed' });
    } finally {
      this.#keeping = false;
    }
  }

  async #clear(leader: LeaderEntry): Promise<void> {
    const { node, epoch, lease } = leader;
    const term: Term = { node, epoch, lease, clear: true };
    const write = { type: 'put', key: epochKey, value: JSON.stringify(term) } as const;
    try {
      const { succeeded } = await this.#options.etcd.commit([guardOf(leader)], [write]);
      if (succeeded) this.#feed({ type: 'cleared', lease });
    } catch (error) {
      // Said again with the next answer to a renewal.
      this.#options.logger.debug({ error: String(error) }, 'the term was not said to be clear');
    }
  }

  async #probe(leader: LeaderEntry): Promise<void> {
    const { probe, logger } = this.#options;
    const verdict = await probe(leader.node);
    if (verdict === 'answers') {
      this.#feed({ type: 'doubt-refuted', lease: leader.lease });
      return;
    }
    logger.warn({ leader: leader.node, verdict }, `the leader ${leader.node} is ${verdict}`);
    if (verdict === 'dead') {
      const marker = { type: 'put', key: overKey, value: leader.lease } as const;
      await this.#options.etcd.commit([guardOf(leader)], [marker]).catch(() => undefined);
    }
    this.#feed({ type: 'doubt-confirmed', lease: leader.lease });
  }

  async #campaign(): Promise<void> {
    const { etcd, node, newestEpoch, clock, logger } = this.#options;
    let lease = '';
    try {
      lease = await etcd.grant(leaseSeconds);
      const known = (await etcd.get(epochKey)).entry;
      const last = known === undefined ? undefined : readTerm(known);
      if (this.#foreign === epochKey) this.#foreign = undefined;
      const over = textOf((await etcd.get(overKey)).entry?.value);
      const clear = isOver(last, over, node);
      const epoch = Math.max(last?.epoch ?? 0, newestEpoch()) + 1;
      const term: Term = { node, epoch, lease, clear };
      const sentMs = clock.monotonicMs();
      const { succeeded, revision } = await etcd.commit(
        [
          { key: leaderKey, createdRevision: 0 },
          noSingle,
          known === undefined
            ? { key: epochKey, createdRevision: 0 }
            : { key: epochKey, changedRevision: known.changedRevision },
        ],
        [
          { type: 'put', key: leaderKey, value: JSON.stringify({ node, epoch }), lease },
          { type: 'put', key: epochKey, value: JSON.stringify(term) },
        ],
      );
      if (!succeeded) {
        this.#feed({ type: 'not-won' });
        this.#perform({ type: 'revoke', lease });
        return;
      }
      const won = { node, epoch, lease, createdRevision: revision };
      const heardMs = clock.monotonicMs();
      const ttlMs = leaseSeconds * 1000;
      this.#feed({ type: 'won', leader: won, sentMs, heardMs, ttlMs, isOver: clear });
    } catch (error) {
      logger.debug({ error: String(error) }, 'campaigning failed');
      this.#isForeign(error);
      this.#feed({ type: 'not-won' });
      // etcd may have taken it without saying so.
      if (lease !== '') this.#perform({ type: 'revoke', lease });
    }
  }
}

function guardOf({ createdRevision }: LeaderEntry): EtcdGuard {
  return { key: leaderKey, createdRevision };
}

function textOf(value: Uint8Array | undefined): string {
  return value === undefined ? '' : Buffer.from(value).toString();
}
