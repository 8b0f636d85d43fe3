// Language and theme as the reader wants them. The desktop shell keeps them with its settings, so
// that the tray speaks the same language; a browser keeps them itself.

import type { Settings } from '../../proto/ipc/settings.ts';
import type { Locale } from '../../proto/translate.ts';
import type { Host } from './host.ts';
import { language } from './language.svelte.ts';
import { recall, remember } from './remember.ts';

export type Theme = Settings['theme'];
export const themes = ['system', 'light', 'dark'] as const satisfies readonly Theme[];

class Preferences {
  theme = $state<Theme>('system');
  #host: Host | undefined;

  /** Takes what was kept, and follows the shell's settings where there is a shell. */
  start(host: Host): void {
    this.#host = host;
    const theme = recall('theme');
    this.#showTheme(themes.find((known) => known === theme) ?? 'system');
    const kept = recall('language');
    language.choose(kept === 'en' || kept === 'zh-CN' ? kept : 'system');
    host.desktop?.watchSettings(
      {},
      (settings) => {
        this.#showTheme(settings.theme);
        language.choose(settings.language);
      },
      // The shell is gone, and this page with it.
      () => undefined,
    );
  }

  setTheme(theme: Theme): void {
    this.#showTheme(theme);
    remember('theme', theme);
    void this.#host?.desktop?.changeSettings({ changes: { theme } });
  }

  setLanguage(locale: Locale): void {
    language.set(locale);
    remember('language', locale);
    void this.#host?.desktop?.changeSettings({ changes: { language: locale } });
  }

  #showTheme(theme: Theme): void {
    this.theme = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const preferences = new Preferences();
