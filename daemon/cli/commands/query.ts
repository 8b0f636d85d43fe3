// `syncer query`: asks every cluster of the pool what it holds of a service.

import type { ClusterAnswer } from '../../../proto/gen/syncer/control/v1/control.ts';
import { exitCodes } from '../../../proto/errors.ts';
import type { CommandSpec } from '../command.ts';
import { numberOption } from '../paging.ts';

export const queryCommand: CommandSpec = {
  name: 'query',
  arguments: '<service> [instance]',
  about: 'cli.about.query',
  examples: ['syncer query payments', 'syncer query payments 7062417b --json'],
  options: [
    { flags: '--timeout <seconds>', about: 'cli.option.timeout' },
    { flags: '--limit <rows>', about: 'cli.option.limit' },
  ],
  list: true,
  exits: ['notFound'],
  async run(session, [service = '', instance = ''], options) {
    const timeoutMs = (numberOption(options, 'timeout', 300) ?? 0) * 1_000;
    const client = await session.connect();
    const request = {
      service,
      instance,
      timeoutMs,
      limit: numberOption(options, 'limit', 5_000) ?? 0,
    };
    const answer = await client.call('query', request, timeoutMs + 60_000);
    const code = answer.answers.length === 0 ? exitCodes.notFound : exitCodes.ok;
    if (session.json) {
      session.printJson(answer);
      return code;
    }
    const { say } = session;
    if (answer.answers.length === 0) session.line(say('cli.empty.query', { service }));
    else {
      session.table(answer.answers.flatMap(rowsOf), [
        { title: say('cli.column.cluster'), cell: (row) => row.cluster },
        { title: say('cli.column.service'), cell: (row) => row.service },
        { title: say('cli.column.endpoint'), cell: (row) => row.endpoint },
        { title: say('cli.column.status'), cell: (row) => row.status },
        { title: say('cli.column.instance-id'), cell: (row) => row.id },
      ]);
    }
    for (const { cluster, truncated, error, total } of answer.answers) {
      if (error !== '') session.paragraph(say('cli.say.query-failed', { cluster, detail: error }));
      else if (truncated) session.paragraph(say('cli.say.query-more', { cluster, total }));
    }
    if (answer.silent.length > 0) {
      session.paragraph(say('cli.say.query-silent', { clusters: answer.silent.join(', ') }));
    }
    return code;
  },
};

interface Row {
  readonly cluster: string;
  readonly service: string;
  readonly endpoint: string;
  readonly status: string;
  readonly id: string;
}

function rowsOf({ cluster, hits }: ClusterAnswer): readonly Row[] {
  return hits.flatMap(({ service, instances }) => {
    const name = `${service?.name ?? ''} ${service?.version ?? ''}`;
    // A service without instances is an answer, too.
    if (instances.length === 0)
      return [{ cluster, service: name, endpoint: '–', status: '–', id: '–' }];
    return instances.map((instance) => ({
      cluster,
      service: name,
      endpoint: instance.endpoints[0] ?? instance.hostName,
      status: instance.status,
      id: instance.instanceId,
    }));
  });
}
