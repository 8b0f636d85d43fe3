// `syncer version`: of this program, and of the daemon where one runs.

import { SyncerError } from '../../../proto/errors.ts';
import type { VersionResponse } from '../../../proto/gen/syncer/control/v1/control.ts';
import { controlApi } from '../../../proto/control/api-version.ts';
import type { CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';

export const versionCommand: CommandSpec = {
  name: 'version',
  about: 'cli.about.version',
  examples: ['syncer version', 'syncer version --json'],
  async run(session) {
    const daemon = await daemonVersion(session);
    const own = { version: session.version, runtime: `node ${process.version}`, api: controlApi };
    if (session.json) {
      session.printJson({ client: own, daemon });
      return;
    }
    const { say } = session;
    session.line(say('cli.say.version', { version: own.version, runtime: own.runtime }));
    session.paragraph(
      daemon === undefined
        ? say('cli.say.no-daemon')
        : say('cli.say.daemon-version', {
            version: daemon.version,
            runtime: daemon.runtime,
            pid: String(daemon.pid),
            started: session.words.time(daemon.startedMs),
            directory: daemon.dataDirectory,
          }),
    );
  },
};

/** No daemon is an answer here, not a failure; a daemon that refuses us is one. */
async function daemonVersion(session: Session): Promise<VersionResponse | undefined> {
  try {
    return (await session.connect()).daemon;
  } catch (error) {
    if (error instanceof SyncerError && error.code === 'control.not-running') return undefined;
    throw error;
  }
}
