// `syncer pause` and `syncer resume`: stop writing for one cluster or all, and go on.

import type { CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';

export const pauseCommand: CommandSpec = {
  name: 'pause',
  arguments: '[cluster]',
  about: 'cli.about.pause',
  examples: ['syncer pause', 'syncer pause shanghai'],
  exits: ['notFound'],
  run: (session, [cluster = '']) => change(session, 'pause', cluster),
};

export const resumeCommand: CommandSpec = {
  name: 'resume',
  arguments: '[cluster]',
  about: 'cli.about.resume',
  examples: ['syncer resume', 'syncer resume shanghai'],
  exits: ['notFound'],
  run: (session, [cluster = '']) => change(session, 'resume', cluster),
};

async function change(
  session: Session,
  method: 'pause' | 'resume',
  cluster: string,
): Promise<void> {
  const client = await session.connect();
  const { pausedAll, pausedClusters } = await client.call(method, { cluster });
  if (session.json) {
    session.printJson({ pausedAll, pausedClusters });
    return;
  }
  const { say } = session;
  if (pausedAll) session.line(say('cli.say.paused-all'));
  else if (pausedClusters.length === 0) session.line(say('cli.say.nothing-paused'));
  else session.line(say('cli.say.paused', { clusters: pausedClusters.join(', ') }));
}
