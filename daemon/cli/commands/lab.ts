// `syncer lab`: registries in memory, with load on them, for trying and training.

import { SyncerError } from '../../../proto/errors.ts';
import { parseHostPort } from '../../config/values.ts';
import { runLab } from '../../lab/run.ts';
import { textOption, type CommandSpec, type OptionValues } from '../command.ts';
import { numberOption } from '../paging.ts';

export const labCommand: CommandSpec = {
  name: 'lab',
  about: 'cli.about.lab',
  examples: [
    'syncer lab',
    'syncer lab --registries 2 --services 50 --instances 4 --churn 10',
    'syncer lab --listen 127.0.0.1:0',
  ],
  options: [
    { flags: '--listen <host:port>', about: 'cli.option.lab-listen' },
    { flags: '--registries <number>', about: 'cli.option.lab-registries' },
    { flags: '--services <number>', about: 'cli.option.lab-services' },
    { flags: '--instances <number>', about: 'cli.option.lab-instances' },
    { flags: '--churn <number>', about: 'cli.option.lab-churn' },
  ],
  local: true,
  exits: ['system'],
  async run(session, _args, options) {
    const { host, port } = listenFrom(options);
    const services = numberOption(options, 'services', 100_000);
    const lab = await runLab(
      {
        host,
        port,
        registries: numberOption(options, 'registries', 20) ?? 1,
        ...(services === undefined ? {} : { load: loadFrom(services, options) }),
      },
      {
        onLine: (line) => (session.json ? session.printJson({ line }, true) : session.line(line)),
        clock: session.io.clock,
      },
    );
    await untilInterrupted(session.io.interrupt);
    await lab.close();
  },
};

function listenFrom(options: OptionValues): { readonly host: string; readonly port: number } {
  const text = textOption(options, 'listen');
  if (text === undefined) return { host: '127.0.0.1', port: 30_100 };
  const place = parseHostPort(text);
  if (place !== undefined) return place;
  throw new SyncerError('request.wrong-argument', {
    argument: '--listen',
    value: text,
    expected: '127.0.0.1:30100',
  });
}

function loadFrom(
  services: number,
  options: OptionValues,
): { services: number; instancesPerService: number; churnPerSecond: number } {
  return {
    services,
    instancesPerService: numberOption(options, 'instances', 10_000) ?? 2,
    churnPerSecond: numberOption(options, 'churn', 10_000) ?? 0,
  };
}

function untilInterrupted(interrupt: AbortSignal): Promise<void> {
  if (interrupt.aborted) return Promise.resolve();
  // A timer of the clock would not keep the process alive; the registries' listeners do.
  return new Promise((resolve) =>
    interrupt.addEventListener('abort', () => resolve(), { once: true }),
  );
}
