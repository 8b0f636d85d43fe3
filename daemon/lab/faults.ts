// Injected faults: what a registry in trouble does to its clients, switched on and off at will.

import { z } from 'zod';
import type { Clock, Timer } from '../support/clock.ts';
import type { Random } from '../support/random.ts';
import { invalid } from './errors.ts';

const share = z.number().min(0).max(1);
const milliseconds = z.number().int().min(0).max(86_400_000);

const settingsShape = z.strictObject({
  /** Added to every answer. */
  latencyMs: milliseconds,
  /** Up to so much more, at random. */
  latencyJitterMs: milliseconds,
  /** This share of the calls is answered with `errorStatus` and not carried out. */
  errorShare: share,
  errorStatus: z.number().int().min(400).max(599),
  /** This share of the calls is never answered, and not carried out. */
  hangShare: share,
  /** This share of the answers breaks off in the middle; the calls are carried out. */
  cutShare: share,
  /** Finds that send a revision are told "not modified", whatever happened meanwhile. */
  staleNotModified: z.boolean(),
  /** What the cache shows: 1 all, 0 an empty list and dump with status 200. */
  visibleShare: share,
  /** Only calls whose path contains this are hit by latency, errors, hanging and cutting. */
  pathContains: z.string().max(200),
});
export type FaultSettings = z.infer<typeof settingsShape>;

const requestShape = settingsShape.partial().extend({
  /** The settings of this request last so long; then all is well again. */
  forMs: milliseconds.optional(),
  /** As SIGSTOP: calls hang, time goes on, ended leases are taken out at the resumption. */
  pauseMs: milliseconds.optional(),
  /** The port refuses connections; leases run on. */
  refuseMs: milliseconds.optional(),
  /** Stops and starts the server, with its data or on an empty directory. */
  restart: z
    .strictObject({ data: z.enum(['keep', 'lose']), downMs: milliseconds.default(0) })
    .optional(),
  /** The content is gone at once, without a restart. */
  loseData: z.literal(true).optional(),
  /** All settings back to none, before the others of this request are taken. */
  clear: z.literal(true).optional(),
});
export type FaultRequest = z.input<typeof requestShape>;

const noFaults: FaultSettings = {
  latencyMs: 0,
  latencyJitterMs: 0,
  errorShare: 0,
  errorStatus: 500,
  hangShare: 0,
  cutShare: 0,
  staleNotModified: false,
  visibleShare: 1,
  pathContains: '',
};

/** What is to be done to one call. */
export interface FaultDecision {
  readonly waitMs: number;
  readonly errorStatus: number | undefined;
  readonly hang: boolean;
  readonly cut: boolean;
}

/** What only the server itself can do. Each is done when the promise resolves. */
export interface FaultActions {
  pause(forMs: number): Promise<void>;
  refuse(forMs: number): Promise<void>;
  restart(data: 'keep' | 'lose', downMs: number): Promise<void>;
  loseData(): void;
  /** The settings have changed. */
  settings(settings: FaultSettings): void;
}

const spared: FaultDecision = { waitMs: 0, errorStatus: undefined, hang: false, cut: false };

export class Faults {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #actions: FaultActions;
  #settings: FaultSettings = noFaults;
  #end: Timer | undefined;

  constructor(clock: Clock, random: Random, actions: FaultActions) {
    this.#clock = clock;
    this.#random = random;
    this.#actions = actions;
  }

  get settings(): FaultSettings {
    return this.#settings;
  }

  /** Throws 400001, naming an unknown key or a wrong value, if `set` would. */
  check(request: FaultRequest): z.output<typeof requestShape> {
    const read = requestShape.safeParse(request);
    if (!read.success) throw invalid(`faults: ${z.prettifyError(read.error).slice(0, 500)}`);
    return read.data;
  }

  /**
   * Switches faults on or off; settings that are not named stay as they are. Resolves when a pause,
   * refusal or restart of the request is over. Rejects with 400001 naming
   * an unknown key or a wrong value.
   */
  async set(request: FaultRequest): Promise<void> {
    const { forMs, pauseMs, refuseMs, restart, loseData, clear, ...settings } = this.check(request);
    const before = clear === true ? noFaults : this.#settings;
    this.#change({ ...before, ...(settings as Partial<FaultSettings>) });
    this.#end?.cancel();
    this.#end = forMs === undefined ? undefined : this.#clock.after(forMs, () => this.clear());
    if (loseData === true) this.#actions.loseData();
    const running: Promise<void>[] = [];
    if (pauseMs !== undefined) running.push(this.#actions.pause(pauseMs));
    if (refuseMs !== undefined) running.push(this.#actions.refuse(refuseMs));
    if (restart !== undefined) running.push(this.#actions.restart(restart.data, restart.downMs));
    await Promise.all(running);
  }

  /** Switches all settings off. */
  clear(): void {
    this.#end?.cancel();
    this.#end = undefined;
    this.#change(noFaults);
  }

  /** Says what is to be done to a call of this path. */
  decide(path: string): FaultDecision {
    const faults = this.#settings;
    if (faults === noFaults || !path.includes(faults.pathContains)) return spared;
    const hits = (part: number): boolean => part > 0 && this.#random.next() < part;
    return {
      waitMs: faults.latencyMs + this.#random.next() * faults.latencyJitterMs,
      errorStatus: hits(faults.errorShare) ? faults.errorStatus : undefined,
      hang: hits(faults.hangShare),
      cut: hits(faults.cutShare),
    };
  }

  #change(settings: FaultSettings): void {
    this.#settings = settings;
    this.#actions.settings(settings);
  }
}
