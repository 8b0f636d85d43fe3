// A mistake in the configuration in the reader's language.

import { isErrorCode, describeError } from '../../proto/errors.ts';
import type { ConfigProblem } from '../../proto/gen/syncer/control/v1/control.ts';
import { parametersOf } from '../../proto/health.ts';
import type { Translate } from '../../proto/translate.ts';

export function describeProblem(
  { code, arguments: list, key }: ConfigProblem,
  translate: Translate,
): { readonly text: string; readonly remedy: string } {
  const parameters = parametersOf(list, translate, Date.now());
  if (isErrorCode(code)) return describeError({ code, parameters }, translate);
  return { text: `${key} ${code}`, remedy: '' };
}
