// The desktop shell's entry: what must happen before Electron is ready, then the application.

import { app } from 'electron';
import { startApp } from './app.ts';
import { readCommandLine } from './command-line.ts';
import { declarePageScheme } from './window/page-scheme.ts';
import { restrictContents } from './window/restrictions.ts';

const commandLine = readCommandLine(process.argv);
if (commandLine.profile !== undefined) app.setPath('userData', commandLine.profile);

// The system's own switch is asked for by whoever must run as root (a container): Chromium has no
// sandbox there, and would end at once. Every page of ours asks for the sandbox by itself, too.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
declarePageScheme();
restrictContents(app);

// One shell a profile: a second one shows the window of the first and ends.
if (app.requestSingleInstanceLock()) {
  void app.whenReady().then(() => startApp(commandLine));
} else {
  app.quit();
}
