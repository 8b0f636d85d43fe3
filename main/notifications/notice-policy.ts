// What a person is told of without asking: only what lasts, once a cause, and taken back when the
// cause is gone.

import type { Condition } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import type { Settings } from '../../proto/ipc/settings.ts';

export type Category = keyof Settings['notifications'];

/** Something worth telling, by its cause. */
export interface Cause {
  /** One notification a key. */
  readonly key: string;
  readonly category: Category;
  /** Absent: the daemon's process. */
  readonly condition?: Condition;
}

/** How long a state must last. Longer: later news of real trouble; shorter: news of hiccups. */
const lastsMs = 10_000;

/** Gives the category of a condition of proto/health.ts; `undefined`: not for a notification. */
function categoryOf({ code, severity }: Condition): Category | undefined {
  if (severity !== 'warning' && severity !== 'error') return undefined;
  if (code === 'held-removals') return 'held';
  if (/^(?:peer|join|pool|name|clock|replica|no-peers)\b/.test(code)) return 'peers';
  return 'registry';
}

/** Gives the causes there are now. */
export function causesOf(
  process: DaemonProcess,
  conditions: readonly Condition[],
): readonly Cause[] {
  const causes: Cause[] =
    process.state === 'failed' ? [{ key: 'process', category: 'daemon' }] : [];
  for (const condition of conditions) {
    const category = categoryOf(condition);
    if (category === undefined) continue;
    causes.push({ key: `${condition.code}/${condition.subject}`, category, condition });
  }
  return causes;
}

/** What to do with notifications. */
export interface Notices {
  readonly show: readonly Cause[];
  readonly close: readonly string[];
  /** When to look again, milliseconds from now; `undefined`: at the next change. */
  readonly againMs: number | undefined;
}

export interface NoticePolicy {
  /** Takes the causes of now. `quiet`: the window is being looked at, nothing needs to pop up. */
  update(
    causes: readonly Cause[],
    wanted: Settings['notifications'],
    quiet: boolean,
    nowMs: number,
  ): Notices;
}

export function createNoticePolicy(): NoticePolicy {
  const since = new Map<string, number>();
  const told = new Set<string>();
  return {
    update(causes, wanted, quiet, nowMs) {
      const keys = new Set(causes.map(({ key }) => key));
      for (const key of since.keys()) if (!keys.has(key)) since.delete(key);
      const close = [...told].filter((key) => !keys.has(key));
      for (const key of close) told.delete(key);
      const show: Cause[] = [];
      let againMs: number | undefined;
      for (const cause of causes) {
        const { key, category } = cause;
        const startMs = since.get(key) ?? nowMs;
        since.set(key, startMs);
        if (told.has(key) || !wanted[category]) continue;
        const leftMs = startMs + lastsMs - nowMs;
        if (leftMs > 0) againMs = Math.min(againMs ?? leftMs, leftMs);
        else {
          told.add(key);
          // Seen in the window: told, without a notification.
          if (!quiet) show.push(cause);
        }
      }
      return { show, close, againMs };
    },
  };
}
