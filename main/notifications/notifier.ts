// The policy's notifications on the system's desktop.

import { Notification } from 'electron';
import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import { renderText } from '../../proto/health.ts';
import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import type { Settings } from '../../proto/ipc/settings.ts';
import type { Translate } from '../../proto/translate.ts';
import { wholeSentence } from '../tray/tray-view.ts';
import { causesOf, createNoticePolicy, type Cause } from './notice-policy.ts';

export interface NotifierPorts {
  readonly process: () => DaemonProcess;
  readonly state: () => State | undefined;
  readonly wanted: () => Settings['notifications'];
  readonly isLookedAt: () => boolean;
  readonly say: () => Translate;
  readonly open: (page: string) => void;
}

export interface Notifier {
  /** Looks at what is known now. */
  update(): void;
  close(): void;
}

export function createNotifier(ports: NotifierPorts): Notifier {
  const policy = createNoticePolicy();
  const shown = new Map<string, Notification>();
  let timer: NodeJS.Timeout | undefined;

  const update = (): void => {
    clearTimeout(timer);
    const causes = causesOf(ports.process(), ports.state()?.summary?.conditions ?? []);
    const nowMs = Date.now();
    const notices = policy.update(causes, ports.wanted(), ports.isLookedAt(), nowMs);
    for (const key of notices.close) {
      shown.get(key)?.close();
      shown.delete(key);
    }
    for (const cause of notices.show) show(cause, nowMs);
    if (notices.againMs !== undefined) timer = setTimeout(update, notices.againMs);
  };

  const show = (cause: Cause, nowMs: number): void => {
    if (!Notification.isSupported()) return;
    const notification = new Notification(textOf(cause, ports, nowMs));
    notification.on('click', () => ports.open(cause.category === 'held' ? 'held' : ''));
    shown.set(cause.key, notification);
    notification.show();
  };

  return {
    update,
    close() {
      clearTimeout(timer);
      for (const notification of shown.values()) notification.close();
      shown.clear();
    },
  };
}

function textOf(
  { condition }: Cause,
  { say, process, state }: NotifierPorts,
  nowMs: number,
): { readonly title: string; readonly body: string } {
  const translate = say();
  if (condition?.text === undefined) {
    const known = { process: process(), state: state() };
    const body = wholeSentence(known, translate, nowMs);
    return { title: translate('desktop.notice.failed'), body };
  }
  const remedy = condition.remedy;
  return {
    title: renderText(condition.text, translate, nowMs),
    body: remedy === undefined ? '' : renderText(remedy, translate, nowMs),
  };
}
