// `syncer ui`: a link that opens the daemon's page in a browser, once.

import { formatDuration } from '../../../proto/health.ts';
import type { CommandSpec } from '../command.ts';

export const uiCommand: CommandSpec = {
  name: 'ui',
  about: 'cli.about.ui',
  examples: ['syncer ui', 'xdg-open "$(syncer ui --json | jq -r .url)"'],
  async run(session) {
    const client = await session.connect();
    const { url, expiresMs } = await client.call('makeUiLink', {});
    if (session.json) {
      session.printJson({ url, expiresMs });
      return;
    }
    const { say, io } = session;
    // The link stands alone on its line, so that it can be piped.
    session.line(url);
    const left = formatDuration(expiresMs - io.clock.nowMs(), say);
    io.error(`${say('cli.say.ui-expires', { left })}\n`);
  },
};
