// Bench: registries of other kinds. A change of one kind → readable in another, the first import of
// 10,000, and what a daemon costs beside 50,000 instances; real servers, those that can be had.

import type { Bench, BenchContext, Goal } from '../bench.ts';
import { measureImport } from './import.ts';
import { kindsAtHand, type KindAtHand } from './kinds-at-hand.ts';
import { measurePairs } from './latency.ts';
import { measureStanding } from './standing.ts';

/** Runs the bench: some ten minutes, three if quick (1,000 imported, beside 2,000 instances). */
export const runKindsBench: Bench = async (context) => {
  const { kinds, leftOut } = kindsAtHand();
  // ServiceCenter has benches of its own for these.
  const others = kinds.filter(({ kind }) => kind !== 'servicecenter');
  const { goals, ...latency } = await measurePairs(context, kinds);
  const imports = await each(context, 'import', others, measureImport);
  const standing = await each(context, 'standing', others, measureStanding);
  return {
    registry: 'several kinds',
    method:
      'every registry is asked for the service, as a consumer asks, every 10 ms until it shows the change; ' +
      'our share is what is left of the median when the medians of both registries, from a write to a ' +
      'read at themselves, are taken off',
    settings: {
      servicecenter: 'a real one where SERVICECENTER_BIN names it, else the lab',
      eureka: 'without its response cache: it adds up to 30 s by default, whoever writes',
      nacos: 'pushTaskDelay 20 ms: 500 ms by default',
      consul: 'dev mode',
    },
    quick: context.quick,
    leftOut,
    latency,
    imports,
    standing,
    goals: [
      ...goals,
      ...imports.flatMap((one) => ('goals' in one ? (one.goals as readonly Goal[]) : [])),
    ],
  };
};

/** One kind after the other; one that fails is named, and the others go on. */
async function each<T extends object>(
  context: BenchContext,
  what: string,
  kinds: readonly KindAtHand[],
  measure: (context: BenchContext, kind: KindAtHand) => Promise<T>,
): Promise<readonly (T | { readonly kind: string; readonly failed: string })[]> {
  const results = [];
  for (const kind of kinds) {
    try {
      results.push(await measure(context, kind));
    } catch (error) {
      context.signal.throwIfAborted();
      const failed = error instanceof Error ? error.message.slice(0, 500) : String(error);
      context.say(`${what} at ${kind.kind} failed: ${failed}`);
      results.push({ kind: kind.kind, failed });
    }
  }
  return results;
}
