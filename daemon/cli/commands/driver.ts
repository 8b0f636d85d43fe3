// `syncer driver`: write a driver of one's own, and see whether it is right.

import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import type { PromiseResult } from '../../../driver-kit/conformance/run.ts';
import { driverNames } from '../../registry/driver-names.ts';
import { textOption, type CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';

const newCommand: CommandSpec = {
  name: 'new',
  arguments: '<dir>',
  about: 'cli.about.driver-new',
  examples: ['syncer driver new ./my-driver'],
  local: true,
  async run(session, [folder = '']) {
    const { writeTemplate } = await import('../driver/new-driver.ts');
    const files = writeTemplate(folder);
    if (session.json) session.printJson({ folder, files });
    else session.paragraph(session.say('cli.driver.written', { folder, files: files.join(', ') }));
  },
};

const testCommand: CommandSpec = {
  name: 'test',
  arguments: '<dir>',
  about: 'cli.about.driver-test',
  examples: [
    'syncer driver test ./my-driver',
    'syncer driver test ./my-driver --report ./report --only "a copy"',
  ],
  options: [
    { flags: '--report <dir>', about: 'cli.option.driver-report' },
    { flags: '--only <text>', about: 'cli.option.driver-only' },
  ],
  local: true,
  async run(session, [folder = ''], options) {
    const { openProject } = await import('../driver/project.ts');
    const { tryDriver, writeReports } = await import('../driver/try-driver.ts');
    const { countOutcomes, reportWords } = await import('../driver/report-words.ts');
    const { say } = session;
    const project = openProject(folder);
    const trial = await tryDriver(project, textOption(options, 'only') ?? '', (result) => {
      if (!session.json) tell(session, result);
    }).catch((error: unknown) => {
      throw unusable(folder, error);
    });
    const { results } = trial;
    const counts = countOutcomes(results);
    const reports = writeReports(
      trial,
      textOption(options, 'report') ?? `${folder}/report`,
      reportWords(session.words, counts, session.io.clock.nowMs()),
    );
    if (session.json) session.printJson({ ...counts, reports, results: results.map(brief) });
    else {
      session.line();
      session.paragraph(say('cli.driver.counts', counts));
      session.paragraph(say('cli.driver.reports', reports));
    }
    return counts.broken === 0 ? exitCodes.ok : exitCodes.failure;
  },
};

const showCommand: CommandSpec = {
  name: 'show',
  arguments: '<driver>',
  about: 'cli.about.driver-show',
  examples: ['syncer driver show ./my-driver/driver.ts', 'syncer driver show my-driver-package'],
  local: true,
  async run(session, [wanted = '']) {
    const { locateDriver } = await import('../../registry/plugin/locate.ts');
    const { describeDriver } = await import('../../registry/plugin/describe.ts');
    const { inLanguage } = await import('../../registry/plugin/definition.ts');
    const description = (() => {
      try {
        return describeDriver(locateDriver(wanted, process.cwd()));
      } catch (error) {
        throw unusable(wanted, error);
      }
    })();
    if (session.json) {
      session.printJson(description);
      return;
    }
    const { say, locale } = session;
    const { kind, version, api, title, options, errors } = description;
    session.paragraph(`${inLanguage(title, locale)} (${kind} ${version}, API ${api})`);
    session.line();
    session.table(Object.entries(options), [
      { title: say('cli.column.key'), cell: ([name]) => `registry.options.${name}` },
      { title: say('cli.column.value'), cell: ([, option]) => shown(option.default) },
      { title: say('cli.column.meaning'), cell: ([, { about }]) => inLanguage(about, locale) },
    ]);
    session.line();
    session.table(Object.entries(errors), [
      { title: say('cli.column.code'), cell: ([code]) => code },
      { title: say('cli.column.meaning'), cell: ([, text]) => inLanguage(text, locale) },
    ]);
  },
};

export const driverCommand: CommandSpec = {
  name: 'driver',
  about: 'cli.about.driver',
  examples: [],
  subcommands: [newCommand, testCommand, showCommand],
};

function tell(session: Session, { outcome, group, name, reason }: PromiseResult): void {
  const marks = {
    kept: ['✓', 'good'],
    broken: ['✗', 'bad'],
    inapplicable: ['–', 'quiet'],
  } as const;
  const [mark, tone] = marks[outcome];
  session.line(`${session.style.paint(mark, tone)} ${group}: ${name}`);
  if (reason !== '') session.paragraph(reason, '    ');
}

function brief({ group, name, outcome, reason }: PromiseResult): object {
  return { group, name, outcome, reason };
}

function shown(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function unusable(name: string, error: unknown): SyncerError {
  if (error instanceof SyncerError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SyncerError(
    'registry.plugin-broken',
    { name, reason, known: driverNames.join(', ') },
    error,
  );
}
