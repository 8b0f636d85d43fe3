// Tries every promise on a driver, as the syncer would run it: in a thread of its own, behind its border.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DriverFixture } from '../../../driver-kit/conformance/fixture.ts';
import { htmlReport, type ReportWords } from '../../../driver-kit/conformance/report.ts';
import { tryPromises, type PromiseResult } from '../../../driver-kit/conformance/run.ts';
import type { DriverDescription } from '../../registry/plugin/definition.ts';
import { describeDriver } from '../../registry/plugin/describe.ts';
import { inLanguage } from '../../registry/plugin/definition.ts';
import { completeOptions } from '../../registry/plugin/option-values.ts';
import { createPluginDriver } from '../../registry/plugin/plugin-driver.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { systemRandom } from '../../support/random.ts';
import type { DriverProject } from './project.ts';

export interface Trial {
  readonly description: Pick<DriverDescription, 'kind' | 'version' | 'api' | 'title' | 'icon'>;
  readonly results: readonly PromiseResult[];
}

/** Tries the promises; `onResult` is called for each. Rejects for a driver that cannot be loaded. */
export async function tryDriver(
  project: DriverProject,
  only: string,
  onResult: (result: PromiseResult) => void,
): Promise<Trial> {
  const { location } = project;
  const description = describeDriver(location);
  const { makeFixture, lacks = {} } = await project.loadFixture();
  const results = await tryPromises({
    lacks,
    only,
    onResult,
    async makeFixture() {
      const fixture: DriverFixture = await makeFixture();
      return {
        ...fixture,
        createDriver(wish = {}) {
          const options = completeOptions(description, fixture.options(wish));
          const environment = { clock: systemClock, random: systemRandom, logger: silentLogger };
          // The deadline of the suite's own fixtures.
          const limits = { callMs: 10_000 };
          return createPluginDriver({ location, description, options, limits }, environment);
        },
      };
    },
  });
  return { description, results };
}

/** Writes both reports into `folder`; gives their files. */
export function writeReports(
  { description, results }: Trial,
  folder: string,
  words: ReportWords,
): { readonly html: string; readonly json: string } {
  const root = resolve(folder);
  mkdirSync(root, { recursive: true });
  const html = join(root, 'report.html');
  const json = join(root, 'report.json');
  const { kind, version, api, icon } = description;
  const title = inLanguage(description.title, words.language);
  writeFileSync(html, htmlReport({ title, kind, version, api, icon }, results, words));
  const content = { driver: { kind, version, api, title: description.title }, results };
  writeFileSync(json, `${JSON.stringify(content, undefined, 2)}\n`);
  return { html, json };
}
