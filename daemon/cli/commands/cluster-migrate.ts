// `syncer cluster migrate`: the mapping from SQLite to etcd, or from etcd to SQLite. It needs no daemon,
// and may run beside one.

import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import { controlAddress } from '../../../proto/control/address.ts';
import { connectControl } from '../../../proto/control/client.ts';
import type { CommandSpec } from '../command.ts';
import { configOptions, loadFrom } from '../config-options.ts';
import { tellProblems } from '../problem-list.ts';
import type { Session } from '../session.ts';

const barWidth = 30;
/** Where there is no terminal, one line each such part. */
const linesInAll = 10;

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  arguments: '<target>',
  argumentChoices: ['etcd', 'sqlite'],
  about: 'cli.about.cluster-migrate',
  examples: [
    'syncer cluster migrate etcd --plan --etcd-addr http://10.0.0.5:2379',
    'syncer cluster migrate sqlite --data-dir /var/lib/syncer --json',
  ],
  options: [{ flags: '--plan', about: 'cli.option.migrate-plan' }, ...configOptions],
  ownDataDir: true,
  exits: ['config', 'notFound', 'temporary', 'io'],
  async run(session, [target = ''], options) {
    const { config, problems } = loadFrom(options, session.io);
    if (config === undefined) {
      tellProblems(session, problems);
      throw new SyncerError('config.invalid', { count: problems.length });
    }
    // Loaded here, so that the other commands start without etcd's and SQLite's parts.
    const { migrationPlaces } = await import('../../wiring/migration-places.ts');
    const { migrateMapping } = await import('../../cluster/migration.ts');
    const { say } = session;
    const planOnly = options.plan === true;
    const toEtcd = target === 'etcd';
    const places = migrationPlaces(config, toEtcd ? 'etcd' : 'sqlite', session.io.clock);
    const bar = progressBar(session);
    try {
      const { etcd, sqlite } = places;
      const single = toEtcd && !planOnly ? await singleOf(config.dataDir, session) : undefined;
      // From now on nobody leads beside it, also who never saw it in the pool.
      if (single !== undefined) await places.announceSingle(single);
      const [from, to] = toEtcd ? [sqlite, etcd] : [etcd, sqlite];
      const outcome = await migrateMapping(from, to, {
        planOnly,
        planned(plan, unreadable) {
          if (session.json) return;
          session.line(say('cli.say.migrate-plan', { ...plan }));
          if (unreadable > 0) {
            session.line(say('cli.say.migrate-unreadable', { count: unreadable }));
          }
        },
        progress: (done, total) => bar.show(done, total),
        signal: session.io.interrupt,
      });
      bar.end();
      const isEqual = outcome.differing === 0;
      if (session.json) session.printJson({ target, planOnly, ...outcome });
      else if (!planOnly) {
        const { total, differing } = outcome;
        session.line(
          isEqual
            ? say('cli.say.migrate-done', { target, total })
            : say('cli.say.migrate-changing', { count: differing }),
        );
      }
      if (!session.json) {
        session.paragraph(
          say(toEtcd ? 'cli.say.migrate-next-etcd' : 'cli.say.migrate-next-sqlite'),
        );
      }
      return planOnly || isEqual ? exitCodes.ok : exitCodes.temporary;
    } finally {
      bar.end();
      await places.close();
    }
  },
};

/** The syncer that runs alone with this data directory; `undefined`: none runs, or a replica does. */
async function singleOf(dataDir: string, { version }: Session): Promise<string | undefined> {
  try {
    const client = await connectControl(controlAddress(dataDir), { version });
    try {
      const { mode, node } = await client.call('getCluster', {});
      return mode === 'single' ? node : undefined;
    } finally {
      client.close();
    }
  } catch {
    return undefined;
  }
}

/** On standard error, so that what is printed can be read by programs. */
function progressBar({ io, say, json }: Session): {
  show(done: number, total: number): void;
  end(): void;
} {
  let shown = false;
  let lines = 0;
  return {
    show(done, total) {
      if (json) return;
      const text = say('cli.say.migrate-progress', { done, total });
      if (io.isTerminal) {
        shown = true;
        const full = Math.floor((barWidth * done) / total);
        io.error(`\r[${'█'.repeat(full)}${'·'.repeat(barWidth - full)}] ${text}`);
        return;
      }
      const part = Math.floor((linesInAll * done) / total);
      if (part > lines) io.error(`${text}\n`);
      lines = Math.max(part, lines % linesInAll);
    },
    end() {
      if (shown) io.error('\n');
      shown = false;
    },
  };
}
