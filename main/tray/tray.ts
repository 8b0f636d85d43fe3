// The tray icon: rendered from the view, and only where the view has changed, so that an open menu
// does not flicker.

import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Menu, nativeImage, nativeTheme, Tray, type NativeImage } from 'electron';
import type { TrayAction, TrayEntry, TrayIcon, TrayView } from './tray-view.ts';

export interface TrayControl {
  show(view: TrayView): void;
  /** After the system's theme has changed. */
  redraw(): void;
  destroy(): void;
}

/** The tooltip of Windows holds 127 characters. */
const longestTooltip = 127;

export function createTray(iconFolder: string, act: (action: TrayAction) => void): TrayControl {
  let tray: Tray | undefined;
  let shown: TrayView | undefined;
  let drawn = '';

  const draw = (icon: TrayIcon): void => {
    const file = path.join(iconFolder, `${icon}-${variant()}.png`);
    if (file === drawn) return;
    drawn = file;
    const image = loadIcon(file);
    if (tray === undefined) {
      tray = new Tray(image);
      // On Linux the desktop opens the menu; elsewhere a click opens the window.
      tray.on('click', () => act({ do: 'open', page: '' }));
    } else tray.setImage(image);
  };

  return {
    show(view) {
      draw(view.icon);
      if (view.tooltip !== shown?.tooltip) tray?.setToolTip(view.tooltip.slice(0, longestTooltip));
      if (!isDeepStrictEqual(view.menu, shown?.menu)) {
        tray?.setContextMenu(
          Menu.buildFromTemplate(view.menu.map((entry) => menuItem(entry, act))),
        );
      }
      shown = view;
    },
    redraw() {
      if (shown !== undefined) draw(shown.icon);
    },
    destroy() {
      tray?.destroy();
      tray = undefined;
      shown = undefined;
      drawn = '';
    },
  };
}

/**
 * macOS colours a template by itself; elsewhere the panel follows the system's theme, whichever one
 * the person has chosen for the window.
 */
function variant(): 'template' | 'on-dark' | 'on-light' {
  if (process.platform === 'darwin') return 'template';
  return panelIsDark() ? 'on-dark' : 'on-light';
}

/** As the system last said; Linux does not say while the window has a theme of its own. */
let systemIsDark: boolean | undefined;

function panelIsDark(): boolean {
  if (process.platform === 'win32') return nativeTheme.shouldUseDarkColorsForSystemIntegratedUI;
  if (nativeTheme.themeSource === 'system') systemIsDark = nativeTheme.shouldUseDarkColors;
  return systemIsDark ?? nativeTheme.shouldUseDarkColors;
}

function loadIcon(file: string): NativeImage {
  // Takes `…@2x.png` beside it for dense screens.
  const image = nativeImage.createFromPath(file);
  if (process.platform === 'darwin') image.setTemplateImage(true);
  return image;
}

function menuItem(
  entry: TrayEntry,
  act: (action: TrayAction) => void,
): Electron.MenuItemConstructorOptions {
  switch (entry.kind) {
    case 'separator':
      return { type: 'separator' };
    case 'line':
      return { label: escaped(entry.label), enabled: false };
    case 'item':
      return { label: escaped(entry.label), click: () => act(entry.action) };
  }
}

/** A single `&` marks a shortcut; names of clusters may have one. */
function escaped(label: string): string {
  return label.replaceAll('&', '&&');
}
