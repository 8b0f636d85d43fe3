// `syncer daemon`: the syncer itself, until it is told to stop.

import { exitCodes } from '../../../proto/errors.ts';
import type { CommandSpec } from '../command.ts';
import { configInput, configOptions, loadFrom } from '../config-options.ts';
import { problemsJson, tellNotices, tellProblems } from '../problem-list.ts';

export const daemonCommand: CommandSpec = {
  name: 'daemon',
  about: 'cli.about.daemon',
  examples: [
    'syncer daemon --sc-addr http://10.0.0.10:30100 --bind-addr 10.0.0.10:30190 \\',
    '  --rpc-addr 10.0.0.10:30191',
    'syncer daemon --config /etc/syncer/syncer.yaml',
  ],
  options: configOptions,
  ownDataDir: true,
  exits: ['config', 'system', 'io', 'temporary', 'internal'],
  async run(session, _args, options) {
    const loaded = loadFrom(options, session.io);
    const { config, problems, notices } = loaded;
    if (config === undefined) {
      if (session.json) session.printJson({ problems: problemsJson(session, problems) });
      else tellProblems(session, problems);
      return exitCodes.config;
    }
    tellNotices(session, notices);
    // Loaded here, so that the other commands start without the daemon's parts.
    const { runDaemon } = await import('../../run-daemon.ts');
    const { interrupt } = session.io;
    const input = configInput(options, session.io);
    return runDaemon({ config, loaded, input, version: session.version, interrupt });
  },
};
