// The pace of writes over models of registries: each is filled nearly as fast as it can be, and what its
// applications wait stays near what they wait without us.

import { describe, expect, it } from 'vitest';
import { sleep } from '../support/clock.ts';
import { seededRandom } from '../support/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { createBatches, createStation } from './registry-pace.fixture.ts';
import { priorities, WriteQueue } from './write-queue.ts';
import { WriteBudget } from './write-budget.ts';

interface Model {
  readonly sideBySide: number;
  /** What one call takes. `chance` gives numbers from 0 to 1. */
  readonly serviceMs: (chance: () => number, nowMs: number, writes: number) => number;
  readonly writesPerCall?: number;
  readonly writes: number;
}

/** There and back, between us and the registry. */
const networkMs = 0.2;
/** An application calls so often: it is there to be measured, not to be work. */
const applicationEveryMs = 50;
/** Calls under way at once by the driver of the model that takes batches. */
const callsUnderWay = 2;

interface Seen {
  readonly seconds: number;
  /** The part of the time that the registry worked for somebody. */
  readonly busy: number;
  /** What an application waited, sorted, milliseconds; by when it called. */
  readonly applicationMs: readonly { readonly atMs: number; readonly ms: number }[];
}

async function importInto(model: Model): Promise<Seen> {
  const clock = new VirtualClock();
  const random = seededRandom(11);
  const chance = () => random.next();
  const station = createStation(clock, model.sideBySide, (writes) =>
    model.serviceMs(chance, clock.monotonicMs(), writes),
  );
  const { writesPerCall = 1 } = model;
  const write =
    writesPerCall === 1
      ? () => station.call(1)
      : createBatches(station, writesPerCall, callsUnderWay);
  const queue = new WriteQueue({
    ...{ clock, random, writesPerCall },
    failed: () => undefined,
    progressed: () => undefined,
  });
  for (let number = 0; number < model.writes; number += 1) {
    queue.put({
      ...{ key: String(number), aim: 'x', cluster: 'b', work: 'put', priority: priorities.add },
      run: async () => {
        await sleep(clock, networkMs / 2);
        await write();
        await sleep(clock, networkMs / 2);
        return { ok: true, value: undefined };
      },
    });
  }
  const isDone = () => queue.waiting + queue.inFlight === 0;
  const applicationMs: { atMs: number; ms: number }[] = [];
  void (async () => {
    while (!isDone()) {
      const atMs = clock.monotonicMs();
      await station.call(1);
      applicationMs.push({ atMs, ms: clock.monotonicMs() - atMs });
      await sleep(clock, applicationEveryMs);
    }
  })();
  queue.setOpen(true);
  expect(await clock.runUntil(isDone, 600_000)).toBe(true);
  const elapsedMs = clock.monotonicMs();
  return {
    seconds: elapsedMs / 1_000,
    busy: station.workedMs / model.sideBySide / elapsedMs,
    applicationMs,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

/** Log-normal around 1: most answers are quick, some are very slow. */
function uneven(chance: () => number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  return Math.exp(sigma * normal - sigma ** 2 / 2);
}

describe('WriteBudget', () => {
  it.each<readonly [string, Model, number]>([
    ['takes one after the other', { sideBySide: 1, serviceMs: () => 1, writes: 10_000 }, 1],
    ['takes two at once, quickly', { sideBySide: 2, serviceMs: () => 0.4, writes: 20_000 }, 0.4],
    ['takes four at once', { sideBySide: 4, serviceMs: () => 5, writes: 10_000 }, 5],
    ['takes many at once, far away', { sideBySide: 32, serviceMs: () => 20, writes: 20_000 }, 20],
    [
      'answers unevenly',
      { sideBySide: 4, serviceMs: (chance) => 5 * uneven(chance, 0.7), writes: 10_000 },
      5,
    ],
    [
      'stands still now and then',
      { sideBySide: 4, serviceMs: (chance) => (chance() < 0.002 ? 100 : 2), writes: 10_000 },
      2,
    ],
  ])('fills a registry that %s, and does not crowd its applications', async (_how, model, own) => {
    const { busy, applicationMs } = await importInto(model);
    expect(busy).toBeGreaterThan(0.95);
    // Twice what it takes by itself; below some milliseconds nobody notices.
    const waited = median(applicationMs.map(({ ms }) => ms));
    expect(waited).toBeLessThanOrEqual(Math.max(2.2 * own, own + 3));
  });

  it('fills a registry that takes many writes in one call with full calls', async () => {
    const writesPerCall = 127;
    const callMs = (writes: number): number => 3 + 0.05 * writes;
    const { seconds, applicationMs } = await importInto({
      ...{ sideBySide: 1, writesPerCall, writes: 30_000 },
      serviceMs: (_chance, _nowMs, writes) => callMs(writes),
    });
    // The application takes its own part of the time.
    const applicationSeconds = (applicationMs.length * callMs(1)) / 1_000;
    const bestSeconds = ((30_000 / writesPerCall) * callMs(writesPerCall)) / 1_000;
    expect(bestSeconds / (seconds - applicationSeconds)).toBeGreaterThan(0.95);
    // It waits for the calls that the driver has under way, never for a line of them.
    const waited = median(applicationMs.map(({ ms }) => ms));
    expect(waited).toBeLessThanOrEqual(callsUnderWay * callMs(writesPerCall) + callMs(1));
  });

  it('draws back from a registry that becomes slow, and comes back with it', async () => {
    const slow = { fromMs: 3_000, toMs: 15_000 };
    const serviceMs = (_chance: () => number, nowMs: number): number =>
      nowMs >= slow.fromMs && nowMs < slow.toMs ? 40 : 2;
    const { busy, applicationMs } = await importInto({
      ...{ sideBySide: 8, serviceMs, writes: 40_000 },
    });
    expect(busy).toBeGreaterThan(0.95);
    const waited = (fromMs: number, toMs: number): number =>
      median(applicationMs.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).map(({ ms }) => ms));
    // Once the pace has found the new latency.
    expect(waited(slow.fromMs + 4_000, slow.toMs)).toBeLessThanOrEqual(2.2 * 40);
    expect(waited(slow.toMs + 1_000, Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(5);
  });

  it('gets to know a cold registry anew while it warms up', async () => {
    const serviceMs = (_chance: () => number, nowMs: number): number =>
      1 + 19 * Math.exp(-nowMs / 1_000);
    const { busy, applicationMs } = await importInto({ sideBySide: 2, serviceMs, writes: 20_000 });
    expect(busy).toBeGreaterThan(0.95);
    const late = applicationMs.filter(({ atMs }) => atMs > 8_000).map(({ ms }) => ms);
    expect(median(late)).toBeLessThanOrEqual(5);
  });

  it('lets some writes go together before anything is known', () => {
    expect(new WriteBudget().limit).toBe(8);
    expect(new WriteBudget(127).limit).toBe(127);
  });

  it('halves at failures, once per latency, down to one call', () => {
    const budget = new WriteBudget();
    budget.failed(10, 1_000);
    expect(budget.limit).toBe(4);
    budget.failed(10, 1_005);
    expect(budget.limit).toBe(4);
    for (let each = 1; each < 10; each += 1) budget.failed(10, 1_000 + each * 20);
    expect(budget.limit).toBe(1);
  });

  it('learns nothing from writes that nobody waited behind', () => {
    const budget = new WriteBudget();
    for (let each = 0; each < 1_000; each += 1) budget.succeeded(5, false, each * 10);
    expect(budget.limit).toBe(8);
  });
});
