// The reader's language, switched at once: everything that is shown asks `language.t`.

import {
  createTranslator,
  pickLocale,
  type Locale,
  type MessageKey,
  type MessageParameters,
} from '../../proto/translate.ts';

class Language {
  #locale = $state<Locale>(pickLocale(navigator.language, {}));
  readonly #translate = $derived(createTranslator(this.#locale));

  get locale(): Locale {
    return this.#locale;
  }

  set(locale: Locale): void {
    this.#locale = locale;
    document.documentElement.lang = locale;
  }

  /** `system` or a locale. */
  choose(choice: 'system' | Locale): void {
    this.set(choice === 'system' ? pickLocale(navigator.language, {}) : choice);
  }

  t = (key: MessageKey, parameters?: MessageParameters): string => this.#translate(key, parameters);
}

export const language = new Language();
