// The page that lists the published reports, made from the reports themselves.

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { countOutcomes } from '../../../daemon/cli/driver/report-words.ts';
import type { PromiseResult } from '../../../driver-kit/conformance/run.ts';

interface Report {
  readonly driver: {
    readonly kind: string;
    readonly version: string;
    readonly title: { readonly en: string };
  };
  readonly results: readonly PromiseResult[];
}

const head = `# Reports

What the suite of promises (\`driver-kit/conformance/\`) found on each kind of registry: every promise,
kept or broken, with what was asked, answered and told. Written, like this page, by

\`\`\`
node test/contract/reports/write-reports.ts
\`\`\`

which leaves out what cannot be started where it runs. The HTML pages need no network and no script.
`;

/** Writes `README.md` of the folder: one line for each report in it. */
export async function writeIndex(folder: string): Promise<void> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const rows = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name, 'report.json'), 'utf8');
      const { driver, results } = JSON.parse(text) as Report;
      const { kept, broken, inapplicable } = countOutcomes(results);
      return (
        `| ${driver.title.en} | \`${driver.kind}\` ${driver.version} | ${kept} | ${broken} | ` +
        `${inapplicable} | [page](${name}/report.html), [data](${name}/report.json) |`
      );
    }),
  );
  const table = [
    '| registry | driver | kept | broken | do not apply | report |',
    '| --- | --- | --: | --: | --: | --- |',
    ...rows,
  ].join('\n');
  const file = join(folder, 'README.md');
  const style = await resolveConfig(file);
  await writeFile(file, await format(`${head}\n${table}\n`, { ...style, filepath: file }));
}
