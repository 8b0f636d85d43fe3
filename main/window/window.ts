// The one window: made when it is first wanted, hidden or closed as the settings say.

import { BrowserWindow, nativeTheme } from 'electron';
import { pageOrigin } from './page-scheme.ts';

export interface WindowSettings {
  readonly preload: string;
  readonly icon: string;
  readonly devTools: boolean;
  /** What the close button does now. */
  readonly onClose: () => 'hide' | 'quit';
  readonly quit: () => void;
}

export interface WindowControl {
  /** `undefined` until it was first shown. */
  readonly window: BrowserWindow | undefined;
  /** Shows it, at a page of the fragment where one is named. */
  show(page: string): void;
  isLookedAt(): boolean;
  /** From now on closing closes. */
  release(): void;
}

export function createWindow(settings: WindowSettings): WindowControl {
  let window: BrowserWindow | undefined;
  let released = false;

  const make = (page: string): BrowserWindow => {
    const made = new BrowserWindow({
      width: 1200,
      height: 800,
      minWidth: 640,
      minHeight: 480,
      show: false,
      title: 'ServiceCenter Syncer',
      icon: settings.icon,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
      webPreferences: {
        preload: settings.preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        navigateOnDragDrop: false,
        devTools: settings.devTools,
      },
    });
    made.once('ready-to-show', () => made.show());
    made.on('close', (event) => {
      if (released) return;
      event.preventDefault();
      if (settings.onClose() === 'hide') made.hide();
      else settings.quit();
    });
    made.once('closed', () => (window = undefined));
    void made.loadURL(`${pageOrigin}/${fragment(page)}`);
    return made;
  };

  return {
    get window() {
      return window;
    },
    show(page) {
      if (window === undefined) {
        window = make(page);
        return;
      }
      if (page !== '') {
        // The fragment alone changes: the page stays, its router follows.
        void window.loadURL(`${pageOrigin}/${fragment(page)}`);
      }
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    isLookedAt: () => window?.isVisible() === true && window.isFocused(),
    release: () => void (released = true),
  };
}

function fragment(page: string): string {
  return page === '' ? '' : `#/${page}`;
}
