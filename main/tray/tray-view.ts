// What the tray shows, worked out of what is known: icon, tooltip and menu, as plain data.

import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import { renderSentence } from '../../proto/health.ts';
import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import type { MessageKey, Translate } from '../../proto/translate.ts';

/** One shape each (build/icons/tray). */
export type TrayIcon =
  | 'starting'
  | 'in-sync'
  | 'catching-up'
  | 'degraded'
  | 'holding'
  | 'paused'
  | 'unknown'
  | 'stopped'
  | 'cannot-start';

export type TrayAction =
  | { readonly do: 'open'; readonly page: string }
  | { readonly do: 'pause' | 'resume' | 'start' | 'stop' | 'restart' | 'copy' | 'quit' };

export type TrayEntry =
  | { readonly kind: 'line'; readonly label: string }
  | { readonly kind: 'separator' }
  | { readonly kind: 'item'; readonly label: string; readonly action: TrayAction };

export interface TrayView {
  readonly icon: TrayIcon;
  readonly tooltip: string;
  readonly menu: readonly TrayEntry[];
}

/** What the shell knows. */
export interface Known {
  readonly process: DaemonProcess;
  /** `undefined`: the daemon does not answer. */
  readonly state: State | undefined;
}

/** Clusters listed in the menu; the window lists all. */
const largestPeerCount = 20;

export function trayView(known: Known, say: Translate, nowMs: number): TrayView {
  const sentence = wholeSentence(known, say, nowMs);
  return { icon: iconOf(known), tooltip: sentence, menu: menuOf(known, sentence, say) };
}

/** The whole in one sentence: the daemon's where it speaks, else what became of its process. */
export function wholeSentence({ process, state }: Known, say: Translate, nowMs: number): string {
  const clauses = state?.summary?.sentence ?? [];
  if (isUp(process) && process.state !== 'degraded' && clauses.length > 0) {
    return renderSentence(clauses, say, nowMs);
  }
  const known = process.reason === '' ? 'no' : 'yes';
  const reason = known === 'yes' ? say(`desktop.reason.${process.reason}` as MessageKey) : '';
  return say('desktop.tray.process', {
    state: say(`desktop.process.${process.state}`),
    known,
    reason,
  });
}

function iconOf({ process, state }: Known): TrayIcon {
  switch (process.state) {
    case 'stopped':
    case 'stopping':
      return 'stopped';
    case 'starting':
      return 'starting';
    case 'failed':
      return 'cannot-start';
    case 'degraded':
      return 'unknown';
    case 'running':
    case 'attached':
      return overallIcon(state?.summary?.overall);
  }
}

/** By the words of `Summary.overall` (control.proto); a word of a newer daemon is unknown. */
function overallIcon(overall: string | undefined): TrayIcon {
  switch (overall) {
    case 'starting':
    case 'in-sync':
    case 'catching-up':
    case 'degraded':
    case 'holding':
    case 'paused':
      return overall;
    default:
      return 'unknown';
  }
}

function menuOf(known: Known, sentence: string, say: Translate): readonly TrayEntry[] {
  const { process, state } = known;
  const item = (label: string, action: TrayAction): TrayEntry => ({ kind: 'item', label, action });
  const line = (label: string): TrayEntry => ({ kind: 'line', label });
  const separator: TrayEntry = { kind: 'separator' };
  const held = state?.figures?.held ?? 0;
  const peers = (state?.peers?.peers ?? []).slice(0, largestPeerCount);
  const paused = state?.figures?.pausedAll === true;
  return [
    line(sentence),
    ...peers.map(({ cluster, link, paused: stopped }) =>
      line(say('desktop.tray.peer', { cluster, state: linkWord(stopped ? 'paused' : link, say) })),
    ),
    separator,
    item(say('desktop.tray.open'), { do: 'open', page: '' }),
    ...(held > 0
      ? [item(say('desktop.tray.held', { count: held }), { do: 'open', page: 'held' })]
      : []),
    ...(state === undefined
      ? []
      : [
          paused
            ? item(say('desktop.tray.resume'), { do: 'resume' })
            : item(say('desktop.tray.pause'), { do: 'pause' }),
        ]),
    separator,
    ...(isUp(process)
      ? [
          item(say('desktop.tray.stop'), { do: 'stop' }),
          item(say('desktop.tray.restart'), { do: 'restart' }),
        ]
      : [item(say('desktop.tray.start'), { do: 'start' })]),
    separator,
    item(say('desktop.tray.copy'), { do: 'copy' }),
    item(say('desktop.tray.settings'), { do: 'open', page: 'settings' }),
    item(say('desktop.tray.quit'), { do: 'quit' }),
  ];
}

function isUp({ state }: DaemonProcess): boolean {
  return (
    state === 'running' || state === 'degraded' || state === 'attached' || state === 'starting'
  );
}

function linkWord(link: string, say: Translate): string {
  switch (link) {
    case 'connected':
    case 'connecting':
    case 'silent':
    case 'left':
    case 'paused':
      return say(`desktop.link.${link}`);
    default:
      return link;
  }
}
