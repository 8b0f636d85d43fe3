// The configuration and its mistakes as messages, and edits out of them.

import type {
  ApplyConfigResponse,
  ConfigChange,
  ConfigProblem,
  ConfigState,
  ValidateConfigResponse,
} from '../../proto/gen/syncer/control/v1/control.ts';
import { textArguments } from '../../proto/health.ts';
import { SyncerError } from '../../proto/errors.ts';
import type {
  ConfigEdit,
  ConfigMistake,
  ConfigOutcome,
  ConfigVerdict,
  ConfigView,
} from './ports.ts';

export function viewConfig(view: ConfigView): ConfigState {
  return {
    version: view.version,
    file: view.file,
    previousVersion: view.previousVersion ?? '',
    entries: view.values.map((entry) => ({
      key: entry.key,
      // `undefined` (an option that is off) has no JSON.
      valueJson: JSON.stringify(entry.value ?? null),
      source: entry.source,
      locked: entry.locked,
      live: entry.live,
      about: entry.about ?? {},
    })),
  };
}

export function viewVerdict(verdict: ConfigVerdict): ValidateConfigResponse {
  return {
    problems: verdict.problems.map(viewProblem),
    restartKeys: [...verdict.restartKeys],
  };
}

export function viewOutcome(outcome: ConfigOutcome): ApplyConfigResponse {
  return { version: outcome.version, ...viewVerdict(outcome) };
}

export function viewProblem(mistake: ConfigMistake): ConfigProblem {
  const values = Object.entries(mistake.parameters).map(
    ([name, value]) => [name, typeof value === 'boolean' ? String(value) : value] as const,
  );
  return {
    code: mistake.code,
    arguments: textArguments(Object.fromEntries(values)),
    key: mistake.key,
  };
}

/** Gives the edits that a client sent. Throws `request.wrong-argument` for what is no JSON. */
export function editsOf(changes: readonly ConfigChange[]): readonly ConfigEdit[] {
  return changes.map(({ key, valueJson }) => {
    if (valueJson === undefined) return { key, value: undefined };
    try {
      return { key, value: JSON.parse(valueJson) as unknown };
    } catch (cause) {
      throw new SyncerError(
        'request.wrong-argument',
        { argument: key, value: valueJson, expected: 'JSON' },
        cause,
      );
    }
  });
}
