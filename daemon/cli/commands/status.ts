// `syncer status`: reads like the Overview. The sentence first, then figures, then tables.

import type { State } from '../../../proto/gen/syncer/control/v1/control.ts';
import type { CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';
import { printState } from '../status-view.ts';

export const statusCommand: CommandSpec = {
  name: 'status',
  about: 'cli.about.status',
  examples: [
    'syncer status',
    'syncer status --watch',
    'syncer status --json | jq .summary.overall',
  ],
  options: [{ flags: '-w, --watch', about: 'cli.option.watch' }],
  list: true,
  async run(session, _args, options) {
    if (options.watch === true) return watch(session);
    const client = await session.connect();
    const state = await client.call('getState', {});
    if (session.json) session.printJson(state);
    else printState(session, state);
  },
};

/** Home, and erase to the end of the screen (ECMA-48): refreshed in place without flicker. */
const refresh = '\u001B[H\u001B[J';

async function watch(session: Session): Promise<void> {
  const client = await session.connect();
  let whole: State | undefined;
  const updates = client.stream('watchState', { minIntervalMs: 500 }, session.io.interrupt);
  for await (const update of updates) {
    whole = whole === undefined ? update : merge(whole, update);
    if (session.json) session.printJson(whole, true);
    else {
      if (session.io.isTerminal) session.io.out(refresh);
      printState(session, whole);
      if (!session.io.isTerminal) session.line();
    }
  }
}

/** A section that is present replaces the last one (control.proto, WatchState). */
function merge(whole: State, update: State): State {
  return {
    nowMs: update.nowMs,
    identity: update.identity ?? whole.identity,
    summary: update.summary ?? whole.summary,
    registry: update.registry ?? whole.registry,
    figures: update.figures ?? whole.figures,
    peers: update.peers ?? whole.peers,
    links: update.links ?? whole.links,
    members: update.members ?? whole.members,
  };
}
