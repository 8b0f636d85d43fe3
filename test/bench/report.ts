// A Markdown table of the last results, for a README.

import { readdirSync, readFileSync } from 'node:fs';
import type { Goal } from './bench.ts';
import type { Machine } from './machine.ts';

interface Result {
  readonly bench: string;
  readonly at: string;
  readonly machine: Machine;
  readonly registry?: string;
  readonly quick?: boolean;
  readonly goals?: readonly Goal[];
  readonly [figure: string]: unknown;
}

/** Gives the table of all result files in `directory`; says what is missing where there are none. */
export function report(directory: URL): string {
  const results = read(directory);
  if (results.length === 0) return 'No results yet: npm run bench\n';
  const lines = [
    '| figure | measured | goal | met | registry |',
    '| --- | ---: | ---: | --- | --- |',
  ];
  for (const result of results) {
    for (const { figure, measured, met, ...bound } of result.goals ?? goalsOf(result)) {
      const text = bound.atMost === undefined ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
      const value = measured === undefined ? 'not measured' : String(Number(measured.toFixed(3)));
      const verdict = met === undefined ? 'not judged' : met ? 'yes' : '**no**';
      lines.push(`| ${figure} | ${value} | ${text} | ${verdict} | ${result.registry ?? ''} |`);
    }
  }
  const machines = new Set(
    results.map(({ machine, at, bench, quick }) => {
      const { cpu, cores, memoryGb, system, node, load } = machine;
      const short = quick === true ? ', short run' : '';
      return `- ${bench}: ${at}${short}; ${cores} × ${cpu}, ${memoryGb} GB, ${system}, Node ${node}, load before ${load}`;
    }),
  );
  return `${lines.join('\n')}\n\n${[...machines].join('\n')}\n`;
}

function read(directory: URL): readonly Result[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Result);
}

/** The snapshot bench keeps its goals beside its figures. */
function goalsOf(result: Result): readonly Goal[] {
  return ['plain', 'mutualTls'].flatMap((name) => {
    const part = result[name] as
      | {
          readonly snapshotMs: readonly number[];
          readonly goalMs: number;
          readonly goalMet: boolean;
        }
      | undefined;
    if (part?.snapshotMs === undefined) return [];
    const sorted = part.snapshotMs.toSorted((left, right) => left - right);
    return [
      {
        figure: `snapshot of ${String(result.instances)}, ${name}: ms`,
        atMost: part.goalMs,
        measured: sorted[Math.floor(sorted.length / 2)],
        met: part.goalMet,
      },
    ];
  });
}
