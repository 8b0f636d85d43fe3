// Tries the promises of a registry driver on each kind of registry that can be had here, and writes the
// reports that the documentation links.
//
//   node test/contract/reports/write-reports.ts [lab|servicecenter|eureka|nacos|consul|file ...]

import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { openProject } from '../../../daemon/cli/driver/project.ts';
import { countOutcomes, reportWords } from '../../../daemon/cli/driver/report-words.ts';
import { tryDriver, writeReports, type Trial } from '../../../daemon/cli/driver/try-driver.ts';
import { createWords } from '../../../daemon/cli/words.ts';
import { driverApi } from '../../../daemon/registry/plugin/definition.ts';
import { tryPromises, type PromiseResult } from '../../../driver-kit/conformance/run.ts';
import { createTranslator } from '../../../proto/translate.ts';
import { writeIndex } from './report-index.ts';
import { builtInKinds, type ReportedKind } from './kinds.ts';

const root = new URL('../../../', import.meta.url).pathname;
const reports = join(root, 'daemon/registry/reports');
/** A server of Java takes a core to start. */
const registriesAtOnce = 4;

const wanted = process.argv.slice(2);
const known = [...builtInKinds.map(({ folder }) => folder), 'file'];
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no report of '${unknown.join("', '")}': there are ${known.join(', ')}`);
  process.exit(2);
}
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

let broken = 0;
for (const kind of builtInKinds.filter(({ folder }) => isWanted(folder))) {
  if (kind.missing !== undefined) console.log(`${kind.folder}: left out: ${kind.missing}`);
  else write(kind.folder, await tryBuiltIn(kind));
}
if (isWanted('file')) {
  write('file', await tryDriver(openProject(join(root, 'examples/file-driver')), '', tell));
}
await writeIndex(reports);
process.exitCode = broken === 0 ? 0 : 1;

/** Tries a driver that is built in, as the syncer has it: without a thread of its own. */
async function tryBuiltIn({ kind, title, open }: ReportedKind): Promise<Trial> {
  const registries = await open();
  let server = 'unknown';
  try {
    const results = await tryPromises({
      atOnce: registriesAtOnce,
      onResult: tell,
      async makeFixture() {
        const fixture = await registries.makeFixture();
        return {
          ...fixture,
          createDriver(wish) {
            const driver = fixture.createDriver(wish);
            return {
              ...driver,
              async stop() {
                const { version } = driver.facts();
                if (version !== 'unknown') server = version;
                await driver.stop();
              },
            };
          },
        };
      },
    });
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    const description = {
      ...{ kind, version, api: driverApi, icon: undefined },
      title: { en: title(server) },
    };
    return { description, results };
  } finally {
    await registries.close();
  }
}

function write(folder: string, trial: Trial): void {
  const counts = countOutcomes(trial.results);
  broken += counts.broken;
  const words = createWords(createTranslator('en'), 'en');
  const { html } = writeReports(
    trial,
    join(reports, folder),
    reportWords(words, counts, Date.now()),
  );
  console.log(`${relative(root, html)}: ${words.say('cli.driver.counts', { ...counts })}`);
}

function tell({ outcome, group, name, reason }: PromiseResult): void {
  if (outcome !== 'kept') console.log(`${outcome}: ${group}: ${name}: ${reason}`);
}
