// `syncer daemon`: the syncer itself, until it is told to stop.

import { exitCodes } from '../../../proto/errors.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { CommandSpec } from '../command.ts';
import { configOptions, loadFrom } from '../config-options.ts';
import { problemsJson, tellNotices, tellProblems } from '../problem-list.ts';

/** The composition root, as this command uses it. */
interface Composition {
  readonly createSyncer: (
    config: Config,
    ports: { readonly loaded: LoadedConfig; readonly version: string },
  ) => {
    start(): Promise<void>;
    stop(reason: string): Promise<void>;
    readonly done: Promise<{ readonly exitCode: number }>;
  };
}

const compositionRoot = new URL('../../syncer.ts', import.meta.url).href;

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
    const { createSyncer } = (await import(compositionRoot)) as Composition;
    const syncer = createSyncer(config, { loaded, version: session.version });
    const { interrupt } = session.io;
    interrupt.addEventListener('abort', () => void syncer.stop('signal'), { once: true });
    await syncer.start();
    return (await syncer.done).exitCode;
  },
};
