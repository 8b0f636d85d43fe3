// The daemon's configuration: its real keys and their real checks, with values of a scenario.

import { checkValue } from '../../../daemon/config/check.ts';
import { configKeys, findKey } from '../../../daemon/config/keys.ts';
import type {
  ApplyConfigResponse,
  ConfigProblem,
  ConfigState,
} from '../../../proto/gen/syncer/control/v1/control.ts';
import { textArguments } from '../../../proto/health.ts';
import { RemoteError } from '../../../proto/ipc/verbs.ts';
import { createTranslator } from '../../../proto/translate.ts';

export interface Change {
  readonly key: string;
  readonly valueJson?: string | undefined;
}

/** Keys that take effect without a restart, as the daemon has them. */
const live = new Set([
  'rules.export',
  'rules.import',
  'rules.absence',
  'guard.share',
  'guard.count',
  'log.level',
]);
const file = '/etc/syncer/syncer.yaml';

export class FakeConfiguration {
  #version = 1;
  #values = new Map<string, unknown>([
    ['clusterName', 'beijing'],
    ['node', 'beijing-1'],
    ['dataDir', '/var/lib/syncer'],
    ['gossip.join', ['10.20.0.11:30190']],
    ['ui.bind', '127.0.0.1:30193'],
  ]);
  #before: ReadonlyMap<string, unknown> | undefined;

  view(): ConfigState {
    return {
      version: `v${this.#version}`,
      file,
      previousVersion: this.#before === undefined ? '' : `v${this.#version - 1}`,
      entries: configKeys.map(({ path, defaultValue, secret }) => {
        const flag = path === 'registry.addresses';
        const value = this.#values.get(path) ?? defaultValue ?? null;
        const given = this.#values.has(path);
        return {
          key: path,
          valueJson: JSON.stringify(secret && given ? '(hidden)' : value),
          about: {},
          source: flag ? 'flag --sc-addr' : given ? `file ${file}` : 'default',
          locked: flag,
          live: live.has(path),
        };
      }),
    };
  }

  validate(changes: readonly Change[]): { problems: ConfigProblem[]; restartKeys: string[] } {
    return {
      problems: changes.flatMap((change) => problemsOf(change)),
      restartKeys: changes.map(({ key }) => key).filter((key) => !live.has(key)),
    };
  }

  apply(expectedVersion: string, changes: readonly Change[]): ApplyConfigResponse {
    this.#expect(expectedVersion);
    const verdict = this.validate(changes);
    if (verdict.problems.length > 0) return { version: `v${this.#version}`, ...verdict };
    this.#before = new Map(this.#values);
    this.#version += 1;
    for (const { key, valueJson } of changes) {
      if (valueJson === undefined) this.#values.delete(key);
      else this.#values.set(key, JSON.parse(valueJson));
    }
    return { version: `v${this.#version}`, ...verdict };
  }

  rollBack(expectedVersion: string): ApplyConfigResponse {
    this.#expect(expectedVersion);
    if (this.#before !== undefined) this.#values = new Map(this.#before);
    this.#before = undefined;
    this.#version += 1;
    return { version: `v${this.#version}`, problems: [], restartKeys: [] };
  }

  #expect(version: string): void {
    if (version === `v${this.#version}`) return;
    const parameters = { found: `v${this.#version}`, expected: version };
    const code = 'config.changed-meanwhile';
    throw new RemoteError({ code, parameters, message: code });
  }
}

function problemsOf({ key, valueJson }: Change): readonly ConfigProblem[] {
  const known = findKey(key);
  if (known === undefined || valueJson === undefined) return [];
  const source = { kind: 'environment', name: file } as const;
  const raw = { value: JSON.parse(valueJson) as unknown, source, sourceOf: () => source };
  const say = createTranslator('en');
  const found = checkValue(key, known.schema, raw, known.secret);
  return found.map(({ code, parameters, expects }) => ({
    code,
    key,
    arguments: textArguments({
      ...Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [name, String(value)]),
      ),
      ...(expects === undefined ? {} : { expected: say(expects.key, expects.parameters) }),
    }),
  }));
}
