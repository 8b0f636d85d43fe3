// `syncer leave` and `syncer force-leave`.

import type { CommandSpec } from '../command.ts';

/** Peers are told, and the pool is given time to spread it. */
const leaveTimeoutMs = 60_000;

export const leaveCommand: CommandSpec = {
  name: 'leave',
  about: 'cli.about.leave',
  examples: ['syncer leave'],
  async run(session) {
    const client = await session.connect();
    await client.call('leave', {}, leaveTimeoutMs);
    if (session.json) session.printJson({ left: true });
    else session.line(session.say('cli.say.left'));
  },
};

export const forceLeaveCommand: CommandSpec = {
  name: 'force-leave',
  arguments: '<member>',
  about: 'cli.about.force-leave',
  examples: ['syncer force-leave edge-7', 'syncer force-leave edge-7 --prune'],
  options: [{ flags: '--prune', about: 'cli.option.prune' }],
  exits: ['notFound'],
  async run(session, [node = ''], options) {
    const client = await session.connect();
    await client.call('forceLeave', { node, prune: options.prune === true }, leaveTimeoutMs);
    if (session.json) session.printJson({ node });
    else session.line(session.say('cli.say.force-left', { node }));
  },
};
