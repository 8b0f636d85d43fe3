// `syncer doctor`: the self-checks, by the running daemon; without one, by this process.

import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import { renderText } from '../../../proto/health.ts';
import type { DiagnosticResult } from '../../../proto/gen/syncer/control/v1/control.ts';
import type { MessageKey } from '../../../proto/translate.ts';
import { runChecks } from '../../diagnostics/run-checks.ts';
import { checkContextOf } from '../../wiring/check-context.ts';
import type { CommandSpec, OptionValues } from '../command.ts';
import { configOptions, loadFrom } from '../config-options.ts';
import { tellProblems } from '../problem-list.ts';
import type { Session } from '../session.ts';
import { markOf } from '../style.ts';

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  arguments: '[checks...]',
  about: 'cli.about.doctor',
  examples: ['syncer doctor', 'syncer doctor registry ports --json'],
  options: [{ flags: '--socket <path>', about: 'cli.option.socket' }, ...configOptions],
  ownDataDir: true,
  exits: ['config'],
  async run(session, checks, options) {
    const results: DiagnosticResult[] = [];
    for await (const result of await resultsOf(session, checks, options)) {
      results.push(result);
      if (!session.json) printResult(session, result);
    }
    if (session.json) session.printJson({ results });
    else session.line(summary(session, results));
    return results.some(({ status }) => status === 'fail') ? exitCodes.failure : exitCodes.ok;
  },
};

async function resultsOf(
  session: Session,
  checks: readonly string[],
  options: OptionValues,
): Promise<AsyncIterable<DiagnosticResult>> {
  try {
    const client = await session.connect();
    return client.stream('runDiagnostics', { checks: [...checks] }, session.io.interrupt);
  } catch (error) {
    if (!(error instanceof SyncerError) || error.code !== 'control.not-running') throw error;
  }
  const { config, problems } = loadFrom(options, session.io);
  if (config === undefined) {
    tellProblems(session, problems);
    throw new SyncerError('config.invalid', { count: problems.length });
  }
  if (!session.json) session.line(session.say('cli.say.doctor-alone'));
  return runChecks(
    checkContextOf(config, session.io.clock, undefined),
    checks,
    session.io.interrupt,
  );
}

function printResult(session: Session, { id, status, text, remedy }: DiagnosticResult): void {
  const { mark, tone } = markOf(status);
  const nowMs = session.io.clock.nowMs();
  const title = session.say(`doctor.title.${id}` as MessageKey);
  const finding = text === undefined ? '' : renderText(text, session.say, nowMs);
  session.paragraph(
    session.say('cli.say.finding', { title, finding }),
    '  ',
    `${session.style.paint(mark, tone)} `,
  );
  if (remedy !== undefined)
    session.paragraph(renderText(remedy, session.say, nowMs), '    ', '  → ');
}

function summary(session: Session, results: readonly DiagnosticResult[]): string {
  const count = (wanted: string): number =>
    results.filter(({ status }) => status === wanted).length;
  return session.say('cli.say.doctor', {
    ok: count('ok'),
    warn: count('warn'),
    fail: count('fail'),
    skipped: count('skipped'),
  });
}
