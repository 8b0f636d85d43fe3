// The options of lists that come in pages.

import type { PageRequest } from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import { textOption, type OptionSpec, type OptionValues } from './command.ts';
import type { Session } from './session.ts';

export const pageOptions: readonly OptionSpec[] = [
  { flags: '--sort <column>', about: 'cli.option.sort' },
  { flags: '--desc', about: 'cli.option.desc' },
  { flags: '--limit <rows>', about: 'cli.option.limit' },
  { flags: '--offset <rows>', about: 'cli.option.offset' },
];

/** Gives the page that the options ask for. Throws `request.wrong-argument`. */
export function pageFrom(options: OptionValues): PageRequest {
  return {
    offset: numberOption(options, 'offset', 4_294_967_295) ?? 0,
    limit: numberOption(options, 'limit', 10_000) ?? 0,
    sortBy: textOption(options, 'sort') ?? '',
    descending: options.desc === true,
  };
}

/** Gives a whole number of an option, at most `largest`; `undefined` where it was not given. */
export function numberOption(
  options: OptionValues,
  name: string,
  largest: number,
): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) <= largest) return Number(text);
  throw new SyncerError('request.wrong-argument', {
    argument: `--${name}`,
    value: text,
    expected: `0..${largest}`,
  });
}

/** Says how much of the list was shown, where it was not all. */
export function sayRest(session: Session, page: PageRequest, shown: number, total: number): void {
  if (shown === total) return;
  const first = page.offset + 1;
  const last = page.offset + shown;
  session.line();
  session.line(
    shown === 0
      ? session.say('cli.say.page-empty', { total })
      : session.say('cli.say.page', { first, last, total }),
  );
}
