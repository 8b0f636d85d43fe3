// What no page may do, whatever it holds: leave, open windows, ask for rights, load from elsewhere.

import type { App, Session, WebContents } from 'electron';
import { pageOrigin } from './page-scheme.ts';

/** Rights that the page has: writing text into the clipboard (copying ids and commands). */
const allowedPermissions: readonly string[] = ['clipboard-sanitized-write'];

/** Restricts every page of the application that will ever be made. */
export function restrictContents(app: App): void {
  app.on('web-contents-created', (_, contents) => {
    contents.on('will-navigate', (event) => {
      if (!isPage(event.url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => {
      if (!event.isMainFrame || !isPage(event.url)) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  });
}

/** Restricts a session: rights, the network, downloads. */
export function restrictSession(session: Session, devTools: boolean): void {
  session.setPermissionRequestHandler((_, permission, answer) =>
    answer(allowedPermissions.includes(permission)),
  );
  session.setPermissionCheckHandler((_, permission) => allowedPermissions.includes(permission));
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest((details, answer) => {
    const allowed = isPage(details.url) || (devTools && details.url.startsWith('devtools:'));
    answer({ cancel: !allowed });
  });
  session.on('will-download', (event) => event.preventDefault());
  // No dictionary is fetched: spell checking is off, and this address leads nowhere.
  session.setSpellCheckerDictionaryDownloadURL('app://none/');
}

/** Whether a request comes from the main frame of a page of ours. */
export function isOwnFrame(contents: WebContents | undefined, frame: Electron.WebFrameMain | null) {
  return (
    contents !== undefined && frame !== null && frame === contents.mainFrame && isPage(frame.url)
  );
}

function isPage(url: string): boolean {
  return url === pageOrigin || url.startsWith(`${pageOrigin}/`);
}
