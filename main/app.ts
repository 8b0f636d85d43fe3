// The desktop shell, part by part: settings, the daemon and who supervises it, the window, the tray,
// notifications, and how all of it ends.

import { homedir } from 'node:os';
import { app, clipboard, dialog, nativeTheme, powerMonitor, session } from 'electron';
import { stateRoot } from '../proto/control/state-root.ts';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { summaryOf, type BundleSources } from './bundle/support-bundle.ts';
import type { CommandLine } from './command-line.ts';
import { configFileHandlers, configWithOrWithoutDaemon } from './daemon/config-file.ts';
import { createDaemonLink } from './daemon/daemon-link.ts';
import { nodeLauncher, utilityLauncher } from './daemon/launcher.ts';
import { daemonPlaces, ensureConfigFile } from './daemon/places.ts';
import { createSupervisor } from './daemon/supervisor.ts';
import { setApplicationMenu } from './desktop/application-menu.ts';
import { desktopHandlers } from './desktop/desktop-handlers.ts';
import { translatorFor } from './desktop/language.ts';
import { serveContract } from './ipc/serve-contract.ts';
import { layoutOf } from './layout.ts';
import { createLoginItem } from './login/start-at-login.ts';
import { createNotifier } from './notifications/notifier.ts';
import { policyFile } from './settings/policy-file.ts';
import { openSettings } from './settings/settings-store.ts';
import { createTray } from './tray/tray.ts';
import { trayView, wholeSentence, type TrayAction } from './tray/tray-view.ts';
import { servePage } from './window/page-scheme.ts';
import { isOwnFrame, restrictSession } from './window/restrictions.ts';
import { createWindow } from './window/window.ts';

/** Countdowns in the tooltip and in the menu are brought up to date so often. */
const refreshMs = 5_000;

/** Starts everything; runs once Electron is ready. */
export function startApp(commandLine: CommandLine): void {
  const devTools = !app.isPackaged;
  const version = app.getVersion();
  const profile = app.getPath('userData');
  const layout = layoutOf(__dirname, app.isPackaged, process.resourcesPath);

  const settings = openSettings({
    file: path.join(profile, 'settings.yaml'),
    policyFile: policyFile(process.platform, process.env),
    nowMs: Date.now(),
  });
  const wish = () => settings.state.settings;
  let say = translatorFor(wish().language, app.getLocale());

  const places = daemonPlaces(
    stateRoot(process.platform, homedir(), process.env),
    profile,
    process.env,
  );
  ensureConfigFile(places.configFile);
  const program = {
    entry: layout.daemonEntry,
    args: ['daemon', '--config', places.configFile, '--data-dir', places.dataDirectory],
    environment: process.env,
  };
  const launcher = app.isPackaged
    ? utilityLauncher(program)
    : nodeLauncher(program, pathToFileURL(layout.followParent).href);
  const supervisor = createSupervisor({
    launcher,
    nowMs: () => Date.now(),
    awakeMs: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
    look: async () => link.look(),
    watch: () => link.watch(),
    async askToEnd() {
      await (await link.control.client()).call('shutdown', { reason: 'desktop' });
    },
    endForeign: (pid) => void process.kill(pid, 'SIGTERM'),
  });
  const link = createDaemonLink({
    own: places.address,
    candidates: () => places.candidates(),
    version,
    answered: (pid) => supervisor.answered(pid),
    silent: () => supervisor.silent(),
  });
  const daemon = configWithOrWithoutDaemon(
    link.handlers,
    configFileHandlers({
      file: places.configFile,
      dataDirectory: places.dataDirectory,
      run: (args) => launcher.run(args),
    }),
    () => supervisor.process.state,
  );

  restrictSession(session.defaultSession, devTools);
  servePage(session.defaultSession, layout.page);
  const window = createWindow({
    preload: layout.preload,
    icon: layout.windowIcon,
    devTools,
    onClose: () => wish().onClose,
    quit: () => void leave(),
  });

  const bundle: BundleSources = {
    version,
    process: () => supervisor.process,
    settingsText: () => settings.exportText(),
    daemon,
    control: link.control,
  };
  serveContract(
    daemon,
    desktopHandlers({
      supervisor,
      settings,
      bundle,
      logFolder: places.dataDirectory,
      configFile: places.configFile,
      window: () => window.window,
      say: () => say,
    }),
    (event) => isOwnFrame(window.window?.webContents, event.senderFrame),
  );

  const known = () => ({ process: supervisor.process, state: link.state });
  const tray = createTray(layout.trayIcons, (action) => act(action));
  const notifier = createNotifier({
    process: () => supervisor.process,
    state: () => link.state,
    wanted: () => wish().notifications,
    isLookedAt: () => window.isLookedAt(),
    say: () => say,
    open: (page) => window.show(page),
  });
  const show = (): void => {
    tray.show(trayView(known(), say, Date.now()));
    notifier.update();
  };

  const act = (action: TrayAction): void => {
    switch (action.do) {
      case 'open':
        window.show(action.page);
        return;
      case 'pause':
      case 'resume':
        // A failure shows by the state that stays as it is.
        link.handlers[action.do]({ cluster: '' }).catch(() => undefined);
        return;
      case 'start':
      case 'stop':
      case 'restart':
        supervisor[action.do]();
        return;
      case 'copy':
        clipboard.writeText(summaryOf(bundle, wholeSentence(known(), say, Date.now())));
        return;
      case 'quit':
        void leave();
        return;
    }
  };

  const login = createLoginItem({
    app,
    platform: process.platform,
    environment: process.env,
    command: [process.env.APPIMAGE ?? process.execPath, '--hidden'],
  });
  const apply = (): void => {
    say = translatorFor(wish().language, app.getLocale());
    nativeTheme.themeSource = wish().theme;
    const actions = { settings: () => window.show('settings'), quit: () => void leave() };
    setApplicationMenu(say, devTools, actions);
    // A checkout is not what should start at login.
    if (app.isPackaged) login.set(wish().startAtLogin);
    show();
  };

  /** In the background: no window, no tray, the daemon and its supervisor alone. */
  let inBackground = false;
  let ending = false;

  const leave = async (): Promise<void> => {
    if (supervisor.process.state === 'attached' || !runs()) return quit();
    if (wish().keepDaemonOnQuit) {
      inBackground = true;
      window.window?.hide();
      tray.destroy();
      return;
    }
    const { response } = await dialog.showMessageBox({
      type: 'question',
      message: say('desktop.quit.title'),
      detail: say('desktop.quit.detail'),
      buttons: [say('desktop.quit.stop'), say('desktop.quit.cancel')],
      defaultId: 1,
      cancelId: 1,
    });
    if (response === 0) await quit();
  };

  const runs = (): boolean => !['stopped', 'failed'].includes(supervisor.process.state);

  /** Ends the daemon of ours in its own time, then the shell. */
  const quit = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    clearInterval(refresh);
    if (supervisor.process.state !== 'attached') await supervisor.end();
    link.close();
    notifier.close();
    tray.destroy();
    window.release();
    app.exit(0);
  };

  app.on('second-instance', () => {
    inBackground = false;
    show();
    window.show('');
  });
  app.on('activate', () => window.show(''));
  // The tray stays when the window is gone.
  app.on('window-all-closed', () => undefined);
  app.on('before-quit', (event) => {
    event.preventDefault();
    void quit();
  });
  // A service manager, a session's end, or Ctrl-C where it was started.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void quit());
  }
  powerMonitor.on('suspend', () => supervisor.suspended());
  powerMonitor.on('resume', () => supervisor.resumed());
  powerMonitor.on('shutdown', () => void quit());
  nativeTheme.on('updated', () => tray.redraw());
  settings.onChange(apply);
  supervisor.onChange(() => {
    // Nothing is left to look after.
    if (inBackground && !runs()) void quit();
    else if (!inBackground && !ending) show();
  });
  link.onState(() => {
    if (!inBackground && !ending) show();
  });
  const refresh = setInterval(() => {
    if (!inBackground && !ending) show();
  }, refreshMs);

  apply();
  if (!commandLine.hidden && !wish().startHidden) window.show(wish().wizardDone ? '' : 'wizard');
  // Before a person has said what it should do, no daemon of ours listens anywhere.
  if (!wish().wizardDone) supervisor.lookOut();
  else if (wish().startDaemon) supervisor.start();
}
