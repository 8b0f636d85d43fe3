// `syncer plan`: what would be written now, without writing it; with other rules, if given.

import { readFile } from 'node:fs/promises';
import { parametersOf } from '../../../proto/health.ts';
import { describeError, exitCodes, isErrorCode, SyncerError } from '../../../proto/errors.ts';
import type { ConfigProblem, PlanItem } from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOption, type CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';

export const planCommand: CommandSpec = {
  name: 'plan',
  about: 'cli.about.plan',
  examples: ['syncer plan', 'syncer plan --rules new-rules.yaml --output wide'],
  options: [{ flags: '--rules <file>', about: 'cli.option.rules' }],
  list: true,
  exits: ['config', 'notFound'],
  async run(session, _args, options) {
    const file = textOption(options, 'rules');
    const rules = file === undefined ? undefined : await readRules(file);
    const client = await session.connect();
    const plan = await client.call('plan', { rules }, 60_000);
    if (session.json) session.printJson(plan);
    if (plan.problems.length > 0) {
      if (!session.json) sayProblems(session, plan.problems);
      return exitCodes.config;
    }
    if (session.json) return exitCodes.ok;
    const { say } = session;
    if (plan.items.length === 0) session.line(say('cli.empty.plan', { unchanged: plan.unchanged }));
    else {
      session.line(summary(session, plan.items, plan.unchanged));
      session.line();
      session.table(plan.items, [
        { title: say('cli.column.action'), cell: actionCell },
        { title: say('cli.column.cluster'), cell: (item) => item.cluster },
        {
          title: say('cli.column.service'),
          cell: (item) => `${item.service?.name ?? ''} ${item.service?.version ?? ''}`,
        },
        { title: say('cli.column.instance-id'), cell: (item) => item.instanceId || '–' },
        { title: say('cli.column.reason'), cell: (item) => session.inWords(item.reason) },
        { title: say('cli.column.changes'), wide: true, cell: (item) => item.changes.join(', ') },
      ]);
    }
    if (plan.leftOut.length > 0) session.line();
    for (const { reason, count } of plan.leftOut) {
      session.paragraph(say('cli.say.left-out', { count, reason: session.inWords(reason) }), '  ');
    }
    session.line();
    session.line(say('cli.say.nothing-written'));
    return exitCodes.ok;
  },
};

/** Removals stand out: they are what a plan is read for. */
function actionCell(item: PlanItem): { text: string; tone: 'bad' | 'warning' | 'good' | 'plain' } {
  const text = item.held ? `◆ ${item.action}` : item.action;
  if (item.held) return { text, tone: 'warning' };
  if (item.action.startsWith('remove')) return { text, tone: 'bad' };
  return { text, tone: item.action === 'add' ? 'good' : 'plain' };
}

function summary(session: Session, items: readonly PlanItem[], unchanged: number): string {
  const count = (test: (item: PlanItem) => boolean): number => items.filter(test).length;
  return session.say('cli.say.plan', {
    added: count(({ action }) => action === 'add' || action === 'create-service'),
    changed: count(({ action }) => action.startsWith('update') || action === 'release-service'),
    removed: count(({ action, held }) => action.startsWith('remove') && !held),
    held: count(({ held }) => held),
    unchanged,
  });
}

function sayProblems(session: Session, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    if (!isErrorCode(problem.code)) {
      session.line(problem.code);
      continue;
    }
    const parameters = parametersOf(problem.arguments, session.say, session.io.clock.nowMs());
    const { text, remedy } = describeError({ code: problem.code, parameters }, session.say);
    session.paragraph(text, '  ', '✗ ');
    session.paragraph(remedy, '    ', '  → ');
  }
}

async function readRules(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('request.file-unreadable', { file, reason }, cause);
  }
}
