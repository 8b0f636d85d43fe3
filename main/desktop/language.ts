// The language of tray, menus and notifications: the person's choice, else the system's.

import {
  createTranslator,
  pickLocale,
  type Locale,
  type Translate,
} from '../../proto/translate.ts';
import type { Settings } from '../../proto/ipc/settings.ts';

/** Gives the translator for a choice; `systemLocale` as `app.getLocale()` says it. */
export function translatorFor(choice: Settings['language'], systemLocale: string): Translate {
  const locale: Locale = choice === 'system' ? pickLocale(systemLocale, {}) : choice;
  return createTranslator(locale);
}
