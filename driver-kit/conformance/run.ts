// Tries the promises of a driver without any test framework: one after the other, those of a concurrent
// group together, each with a deadline and a transcript.

import { AsyncLocalStorage } from 'node:async_hooks';
import { eachLimited } from '../../daemon/registry/common/each-limited.ts';
import { expect } from './expectation.ts';
import type { Lacks, RegistryFixture } from './fixture.ts';
import { withHarness, type Harness, type PromiseContext } from './harness.ts';
import { recordDriver, type TranscriptLine, type TranscriptSink } from './record.ts';
import { collectPromises } from './suite.ts';

/** What became of one promise. */
export interface PromiseResult {
  readonly group: string;
  readonly name: string;
  readonly outcome: 'kept' | 'broken' | 'inapplicable';
  /** Why it is broken, or does not apply. */
  readonly reason: string;
  readonly durationMs: number;
  readonly transcript: readonly TranscriptLine[];
}

export interface RunOptions {
  readonly makeFixture: () => Promise<RegistryFixture>;
  readonly lacks?: Lacks;
  /** Only promises whose name has this part. */
  readonly only?: string;
  /** Longest time for one promise; the slowest waits for two leases of 20 s. */
  readonly deadlineMs?: number;
  /**
   * How many promises of a concurrent group are tried together. Each has a registry of its own: more is
   * quicker, and costs as many registries.
   */
  readonly atOnce?: number;
  /** Called for each promise when it was tried. */
  readonly onResult?: (result: PromiseResult) => void;
}

interface PromiseEntry {
  readonly name: string;
  readonly body: ((context: PromiseContext) => Promise<void> | void) | undefined;
  readonly reason: string;
}

interface Group {
  readonly name: string;
  readonly concurrent: boolean;
  readonly entries: PromiseEntry[];
  readonly before: (() => Promise<void>)[];
  readonly after: (() => Promise<void>)[];
}

/** A promise that is being tried. */
interface Trial {
  readonly concurrent: boolean;
  readonly startedMs: number;
  readonly lines: TranscriptLine[];
}

const usualDeadlineMs = 240_000;
/** All of the group at once: a registry for tests is small as a rule. */
const usuallyAtOnce = 16;
/** Lines kept for one promise. */
const mostLines = 400;

/** Tries all promises; gives what became of each, in the order of the suite. */
export async function tryPromises(options: RunOptions): Promise<readonly PromiseResult[]> {
  const { deadlineMs = usualDeadlineMs, atOnce = usuallyAtOnce } = options;
  const storage = new AsyncLocalStorage<Trial>();
  let current: Trial | undefined;

  const sinkOf = (): (() => TranscriptSink) => {
    const mine = storage.getStore();
    // A driver of a group belongs to whichever promise is being tried.
    return () => (kind, text) => {
      const trial = mine?.concurrent === true ? mine : current;
      if (trial === undefined || trial.lines.length >= mostLines) return;
      trial.lines.push({ atMs: Math.round(performance.now() - trial.startedMs), kind, text });
    };
  };
  const makeFixture = async (): Promise<RegistryFixture> => {
    const fixture = await options.makeFixture();
    return {
      ...fixture,
      createDriver: (wish) => recordDriver(fixture.createDriver(wish), sinkOf()),
    };
  };

  const tryOne = async (group: Group, entry: PromiseEntry): Promise<PromiseResult> => {
    const { name, body } = entry;
    const base = { group: group.name, name };
    if (body === undefined) {
      const result = { ...base, durationMs: 0, transcript: [], reason: entry.reason };
      return { ...result, outcome: 'inapplicable' };
    }
    const trial: Trial = {
      concurrent: group.concurrent,
      startedMs: performance.now(),
      lines: [],
    };
    if (!group.concurrent) current = trial;
    const ends: (() => Promise<void> | void)[] = [];
    let reason: string | undefined;
    try {
      const context = {
        expect,
        onTestFinished: (end: () => Promise<void> | void) => ends.push(end),
      };
      const trying = storage.run(trial, async () => body(context as PromiseContext));
      await withDeadline(trying, deadlineMs);
    } catch (error) {
      reason = reasonOf(error);
    }
    for (const end of ends.reverse()) {
      try {
        await withDeadline(Promise.resolve(end()), deadlineMs);
      } catch (error) {
        reason ??= `afterwards: ${reasonOf(error)}`;
      }
    }
    const durationMs = Math.round(performance.now() - trial.startedMs);
    return {
      ...base,
      durationMs,
      outcome: reason === undefined ? 'kept' : 'broken',
      reason: reason ?? '',
      transcript: trial.lines,
    };
  };

  const results: PromiseResult[] = [];
  const note = (result: PromiseResult): void => {
    results.push(result);
    options.onResult?.(result);
  };
  for (const group of collect(makeFixture, options.lacks ?? {})) {
    const entries = group.entries.filter(({ name }) => name.includes(options.only ?? ''));
    if (entries.length === 0) continue;
    try {
      for (const before of group.before) await withDeadline(before(), deadlineMs);
    } catch (error) {
      const reason = `before all of them: ${reasonOf(error)}`;
      for (const { name } of entries) {
        const base = { group: group.name, name, durationMs: 0, transcript: [] };
        note({ ...base, outcome: 'broken', reason });
      }
      continue;
    }
    if (group.concurrent) {
      const tried = new Map<PromiseEntry, PromiseResult>();
      await eachLimited(entries, atOnce, async (entry) => {
        tried.set(entry, await tryOne(group, entry));
      });
      // In the order of the suite, not in that of their ends.
      for (const entry of entries) note(tried.get(entry)!);
    } else {
      for (const entry of entries) note(await tryOne(group, entry));
    }
    current = undefined;
    for (const after of group.after) await withDeadline(after(), deadlineMs).catch(() => undefined);
  }
  return results;
}

function collect(makeFixture: () => Promise<RegistryFixture>, lacks: Lacks): readonly Group[] {
  const groups: Group[] = [];
  const open = (): Group => {
    const group = groups.at(-1);
    if (group === undefined) throw new Error('a promise outside of a group');
    return group;
  };
  const harness: Harness = {
    group(name, concurrent, body) {
      groups.push({ name, concurrent, entries: [], before: [], after: [] });
      body();
    },
    promise: (name, body) => open().entries.push({ name, body, reason: '' }),
    inapplicable: (name, reason) => open().entries.push({ name, body: undefined, reason }),
    before: (body) => open().before.push(body),
    after: (body) => open().after.push(body),
  };
  withHarness(harness, () => collectPromises(makeFixture, lacks));
  return groups;
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it did not end within ${deadlineMs / 1_000} s`)),
    deadlineMs,
  );
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const place = /conformance\/([\w-]+\.[tj]s:\d+)/.exec(error.stack ?? '')?.[1];
  return `${error.message}${cause}${place === undefined ? '' : ` [${place}]`}`;
}
