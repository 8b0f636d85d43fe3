// `syncer cluster`: the replicas of this cluster, and what people do with them.

import type { ClusterState } from '../../../proto/gen/syncer/control/v1/control.ts';
import { exitCodes } from '../../../proto/errors.ts';
import type { CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';
import { stateCell } from '../status-view.ts';
import { migrateCommand } from './cluster-migrate.ts';

/** etcd takes a member out only when it has heard all for some seconds; a new leader takes moments. */
const changeTimeoutMs = 60_000;
/** With fewer etcd members the loss of one leaves no majority. */
const wholeMembers = 3;

const statusCommand: CommandSpec = {
  name: 'status',
  about: 'cli.about.cluster-status',
  examples: ['syncer cluster status', 'syncer cluster status --json'],
  list: true,
  async run(session) {
    const client = await session.connect();
    const state = await client.call('getCluster', {});
    // A script asks whether the loss of a machine would go unnoticed: without a leader it was not.
    const code =
      state.mode === 'cluster' && state.leader === undefined ? exitCodes.failure : exitCodes.ok;
    if (session.json) session.printJson(state);
    else print(session, state);
    return code;
  },
};

const transferCommand: CommandSpec = {
  name: 'transfer-leader',
  about: 'cli.about.cluster-transfer',
  examples: ['syncer cluster transfer-leader'],
  exits: ['failure', 'unavailable'],
  async run(session) {
    const client = await session.connect();
    const outcome = await client.call('transferLeader', {}, changeTimeoutMs);
    if (session.json) session.printJson(outcome);
    else session.line(session.say('cli.say.cluster-transferred', { ...outcome }));
  },
};

const replaceCommand: CommandSpec = {
  name: 'replace',
  arguments: '<node>',
  about: 'cli.about.cluster-replace',
  examples: ['syncer cluster replace syncer013'],
  exits: ['notFound', 'failure'],
  run: (session, [node = '']) => remove(session, node, true),
};

const forgetCommand: CommandSpec = {
  name: 'forget',
  arguments: '<node>',
  about: 'cli.about.cluster-forget',
  examples: ['syncer cluster forget syncer013'],
  exits: ['notFound', 'failure'],
  run: (session, [node = '']) => remove(session, node, false),
};

export const clusterCommand: CommandSpec = {
  name: 'cluster',
  about: 'cli.about.cluster',
  examples: [],
  subcommands: [statusCommand, transferCommand, replaceCommand, forgetCommand, migrateCommand],
  defaultSubcommand: 'status',
};

async function remove(session: Session, node: string, rejoin: boolean): Promise<void> {
  const client = await session.connect();
  await client.call('removeReplica', { node, rejoin }, changeTimeoutMs);
  const said = rejoin ? 'cli.say.cluster-replaced' : 'cli.say.cluster-forgotten';
  if (session.json) session.printJson({ node });
  else session.line(session.say(said, { node }));
}

function print(session: Session, state: ClusterState): void {
  const { say } = session;
  const { cluster, node, leader, epoch = 0, etcd, mapping } = state;
  if (state.mode === 'single') {
    session.line(say('cli.say.cluster-single', { node }));
    return;
  }
  if (leader !== undefined) {
    session.line(say('cli.say.cluster-leader', { cluster, leader, epoch }));
  } else if (state.trouble === undefined) {
    session.line(say('cli.say.cluster-no-leader', { cluster }));
  }
  if (state.trouble !== undefined) session.paragraph(session.inWords(state.trouble));
  if (etcd !== undefined) {
    session.line(say('cli.say.cluster-etcd', { ...etcd }));
    const ours = state.replicas.every((replica) => replica.etcd !== 'foreign');
    if (ours && etcd.state === 'answering' && etcd.members < wholeMembers) {
      session.line(say('cli.say.cluster-few-members', { members: etcd.members }));
    }
  }
  if (mapping !== undefined && (mapping.state !== 'following' || mapping.waiting > 0)) {
    session.line(say('cli.say.cluster-mapping', { ...mapping, unreadable: '' }));
  }
  const unreadable = mapping?.unreadable.length ?? 0;
  if (unreadable > 0) session.line(say('cli.say.cluster-unreadable', { count: unreadable }));
  session.table(state.replicas, [
    {
      title: say('cli.column.replica'),
      cell: ({ node: name, self }) => (self ? say('cli.say.own', { name }) : name),
    },
    { title: say('cli.column.address'), cell: ({ address }) => address || '–' },
    { title: say('cli.column.state'), cell: ({ status }) => stateCell(session, status) },
    {
      title: say('cli.column.role'),
      cell: ({ leads }) => say('cli.say.cluster-role', { role: leads ? 'leads' : 'follows' }),
    },
    {
      title: say('cli.column.etcd'),
      cell: (replica) => say('cli.say.cluster-member', { etcd: replica.etcd }),
    },
  ]);
}
