// The daemon's configuration while no daemon runs: read and written by the daemon's own command line
// (`syncer config …`) as a process that ends, so that there is one way to read it and one to write it.

import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isErrorCode, SyncerError } from '../../proto/errors.ts';
import type {
  ApplyConfigResponse,
  ConfigProblem,
  ConfigState,
  ValidateConfigResponse,
} from '../../proto/gen/syncer/control/v1/control.ts';
import { textArguments } from '../../proto/health.ts';
import type { DaemonHandlers, DaemonProcess } from '../../proto/ipc/contract.ts';
import { z } from 'zod';
import type { EndedRun } from './launcher.ts';
import { ensureConfigFile } from './places.ts';

type ConfigHandlers = Pick<
  DaemonHandlers,
  'config' | 'validateConfig' | 'applyConfig' | 'rollBackConfig'
>;

export interface ConfigFileParts {
  readonly file: string;
  readonly dataDirectory: string;
  /** Runs the daemon's command line to its end. */
  readonly run: (args: readonly string[]) => Promise<EndedRun>;
}

/** What `syncer config show --json` prints, as far as it is used here. */
const shown = z.object({
  file: z.string(),
  version: z.string(),
  previousVersion: z.string().default(''),
  entries: z.array(
    z.object({
      key: z.string(),
      value: z.unknown(),
      source: z.string(),
      from: z.string(),
      locked: z.boolean(),
      live: z.boolean(),
      about: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

/** What `syncer config set --json` and `config back --json` print. */
const changed = z.object({
  version: z.string(),
  restartKeys: z.array(z.string()),
  problems: z.array(
    z.object({
      code: z.string(),
      key: z.string(),
      parameters: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
  ),
});

const failed = z.object({
  error: z.object({
    code: z.string(),
    text: z.string(),
    parameters: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  }),
});

/** Gives the handlers of the contract that need no daemon. */
export function configFileHandlers(parts: ConfigFileParts): ConfigHandlers {
  const places = ['--config', parts.file, '--data-dir', parts.dataDirectory, '--json'];
  const ask = async <Answer>(
    schema: z.ZodType<Answer>,
    name: string,
    more: readonly string[] = [],
  ): Promise<Answer> => {
    const { output, errors } = await parts.run(['config', name, ...places, ...more]);
    const answer = schema.safeParse(jsonIn(output));
    if (answer.success) return answer.data;
    throw failureIn(errors);
  };
  /** Changes travel in a file: a command line is there for everybody of the machine to read. */
  const set = async (
    changes: readonly { readonly key: string; readonly valueJson?: string | undefined }[],
    more: readonly string[],
  ): Promise<ApplyConfigResponse> => {
    const file = path.join(path.dirname(parts.file), `changes-${randomUUID()}.json`);
    const values = changes.map(({ key, valueJson = 'null' }): [string, unknown] => [
      key,
      JSON.parse(valueJson),
    ]);
    try {
      writeFileSync(file, JSON.stringify(Object.fromEntries(values)), { mode: 0o600, flag: 'wx' });
      return outcomeOf(await ask(changed, 'set', ['--changes', file, ...more]));
    } finally {
      rmSync(file, { force: true });
    }
  };
  return {
    async config(): Promise<ConfigState> {
      const { entries, ...rest } = await ask(shown, 'show');
      return {
        ...rest,
        entries: entries.map(({ key, value, source, from, locked, live, about }) => ({
          key,
          valueJson: JSON.stringify(value === '<redacted>' ? '(hidden)' : value),
          source: from === 'default' || from === 'derived' ? from : source,
          locked,
          live,
          about,
        })),
      };
    },
    async validateConfig({ changes }): Promise<ValidateConfigResponse> {
      const { problems, restartKeys } = await set(changes, ['--dry-run']);
      return { problems, restartKeys };
    },
    applyConfig: ({ changes, expectedVersion }) => set(changes, ['--expect', expectedVersion]),
    async rollBackConfig({ expectedVersion }) {
      return outcomeOf(await ask(changed, 'back', ['--expect', expectedVersion]));
    },
  };
}

/** Gives handlers that ask the daemon while one runs, and else the file. */
export function configWithOrWithoutDaemon(
  daemon: DaemonHandlers,
  file: ConfigHandlers,
  state: () => DaemonProcess['state'],
): DaemonHandlers {
  const isThere = (): boolean => ['running', 'degraded', 'attached'].includes(state());
  const one = (): ConfigHandlers => (isThere() ? daemon : file);
  return {
    ...daemon,
    config: (request) => one().config(request),
    validateConfig: (request) => one().validateConfig(request),
    applyConfig: (request) => one().applyConfig(request),
    rollBackConfig: (request) => one().rollBackConfig(request),
  };
}

/** Renames a file that nobody can read, and begins a new one. Gives where the old one is now. */
export function setConfigAside(file: string, nowMs: number): string {
  const aside = `${file}.unreadable-${new Date(nowMs).toISOString().replaceAll(':', '-')}`;
  try {
    renameSync(file, aside);
    ensureConfigFile(file);
    return aside;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('settings.unwritable', { file, reason }, cause);
  }
}

function outcomeOf({ version, restartKeys, problems }: z.output<typeof changed>) {
  const mistakes = problems.map(({ code, key, parameters }): ConfigProblem => {
    return { code, key, arguments: textArguments(parameters) };
  });
  return { version, restartKeys, problems: mistakes };
}

function failureIn(errors: string): SyncerError {
  const said = errors.split('\n').map((line) => failed.safeParse(jsonIn(line)));
  const found = said.find(({ success }) => success)?.data?.error;
  if (found === undefined) return new SyncerError('internal.bug', { detail: errors.slice(-500) });
  const { code, parameters, text } = found;
  if (isErrorCode(code)) return new SyncerError(code, parameters);
  return new SyncerError('internal.bug', { detail: text });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
