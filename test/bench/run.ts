// Runs the benches that are named (all without a name): node test/bench/run.ts gossip snapshot
// Prints JSON with a description of the machine, and keeps it in test/bench/results/.

import { mkdirSync, writeFileSync } from 'node:fs';
import { describeMachine } from './machine.ts';

const benches: Readonly<Record<string, () => Promise<object>>> = {
  gossip: async () => (await import('./gossip/run.ts')).runGossipBench(),
  snapshot: async () => (await import('./snapshot/run.ts')).runSnapshotBench(),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches);
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) {
    console.error(`no bench "${name}"; there are: ${Object.keys(benches).join(', ')}`);
    process.exitCode = 2;
    continue;
  }
  const machine = describeMachine();
  const figures = { bench: name, at: new Date().toISOString(), machine, ...(await bench()) };
  const text = `${JSON.stringify(figures, undefined, 2)}\n`;
  writeFileSync(new URL(`${name}.json`, results), text);
  process.stdout.write(text);
}
