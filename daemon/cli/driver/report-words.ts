// The words of a conformance report, from the catalogue.

import type { ReportWords } from '../../../driver-kit/conformance/report.ts';
import type { PromiseResult } from '../../../driver-kit/conformance/run.ts';
import type { Words } from '../words.ts';

/** How many promises came out how. */
export type OutcomeCounts = Readonly<Record<PromiseResult['outcome'], number>>;

/** Counts what became of the promises. */
export function countOutcomes(results: readonly PromiseResult[]): OutcomeCounts {
  const counts = { kept: 0, broken: 0, inapplicable: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}

/** Gives the words of a report that is made now. */
export function reportWords(words: Words, counts: OutcomeCounts, nowMs: number): ReportWords {
  const { say, locale } = words;
  return {
    language: locale,
    title: say('cli.driver.report.title'),
    kept: say('cli.driver.report.kept'),
    broken: say('cli.driver.report.broken'),
    inapplicable: say('cli.driver.report.inapplicable'),
    transcript: say('cli.driver.report.transcript'),
    noTranscript: say('cli.driver.report.no-transcript'),
    took: words.duration,
    made: words.time(nowMs),
    summary: say('cli.driver.counts', counts),
  };
}
