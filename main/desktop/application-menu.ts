// The menu of the window (on macOS, of the screen), in the language of the person. Windows and Linux
// show it on Alt; its shortcuts work everywhere.

import { Menu } from 'electron';
import type { Translate } from '../../proto/translate.ts';

export interface MenuActions {
  readonly settings: () => void;
  readonly quit: () => void;
}

export function setApplicationMenu(say: Translate, devTools: boolean, actions: MenuActions): void {
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      {
        label: say('desktop.menu.file'),
        submenu: [
          {
            label: say('desktop.tray.settings'),
            accelerator: 'CmdOrCtrl+,',
            click: actions.settings,
          },
          { role: 'close', label: say('desktop.menu.close') },
          { type: 'separator' },
          { label: say('desktop.tray.quit'), accelerator: 'CmdOrCtrl+Q', click: actions.quit },
        ],
      },
      {
        label: say('desktop.menu.edit'),
        submenu: [
          { role: 'undo', label: say('desktop.menu.undo') },
          { role: 'redo', label: say('desktop.menu.redo') },
          { type: 'separator' },
          { role: 'cut', label: say('desktop.menu.cut') },
          { role: 'copy', label: say('desktop.menu.copy') },
          { role: 'paste', label: say('desktop.menu.paste') },
          { role: 'selectAll', label: say('desktop.menu.select-all') },
        ],
      },
      {
        label: say('desktop.menu.view'),
        submenu: [
          { role: 'reload', label: say('desktop.menu.reload') },
          { type: 'separator' },
          { role: 'zoomIn', label: say('desktop.menu.zoom-in') },
          { role: 'zoomOut', label: say('desktop.menu.zoom-out') },
          { role: 'resetZoom', label: say('desktop.menu.zoom-reset') },
          ...(devTools
            ? [{ role: 'toggleDevTools' as const, label: say('desktop.menu.developer') }]
            : []),
        ],
      },
      {
        label: say('desktop.menu.window'),
        submenu: [{ role: 'minimize', label: say('desktop.menu.minimize') }],
      },
    ]),
  );
}
