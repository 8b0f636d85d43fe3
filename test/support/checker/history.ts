// What a lab registry's own history says of a site's copies: none registered twice, none removed, none
// lapsed, no native instance touched by anyone but its application, and never a writer of an older epoch
// after one of a newer. `readHistory` asks the registry; `judgeHistory` is pure.

import { applicationAgent } from '../application.ts';

/** As `/lab/history` answers, what is read of it (daemon/lab/history.ts). */
export interface PastChange {
  readonly seq: number;
  readonly kind: string;
  readonly cause: string;
  readonly who: string;
  readonly what: string;
  readonly instance?: {
    readonly instanceId: string;
    readonly properties?: Readonly<Record<string, string>>;
  };
}

export interface HistoryVerdict {
  /** A second copy of one origin while the first was there. */
  readonly twice: readonly string[];
  readonly removed: readonly string[];
  readonly lapsed: readonly string[];
  /** Native instances that a syncer wrote to. */
  readonly touched: readonly string[];
  /** Writes stamped with an older epoch than one before them. */
  readonly oldWriters: readonly string[];
}

/** What should be found. */
export const blameless: HistoryVerdict = {
  twice: [],
  removed: [],
  lapsed: [],
  touched: [],
  oldWriters: [],
};

/** Gives all changes, oldest first. Rejects when some were dropped. */
export async function readHistory(url: string): Promise<readonly PastChange[]> {
  const changes: PastChange[] = [];
  for (let since = 0; ;) {
    const response = await fetch(`${url}/lab/history?since=${since}`);
    if (!response.ok) throw new Error(`the lab's history: ${response.status}`);
    const page = (await response.json()) as { entries: PastChange[]; next: number; first: number };
    if (page.first > since + 1) throw new Error(`the lab has dropped changes before ${page.first}`);
    if (page.entries.length === 0) return changes;
    changes.push(...page.entries);
    since = page.next;
  }
}

/** Judges the whole history of a registry whose native instances were never removed. */
export function judgeHistory(changes: readonly PastChange[]): HistoryVerdict {
  const verdict = {
    twice: [] as string[],
    removed: [] as string[],
    lapsed: [] as string[],
    touched: [] as string[],
    oldWriters: [] as string[],
  };
  /** Origin to the copy that is there. */
  const living = new Map<string, string>();
  let newest = 0;
  for (const { seq, kind, cause, who, what, instance } of changes) {
    if (instance === undefined || !kind.startsWith('instance-')) continue;
    const properties = instance.properties ?? {};
    const said = `${seq}: ${kind} ${instance.instanceId} (${cause}, ${what}, ${who})`;
    const cluster = properties['syncer-origin-cluster'];
    if (cluster === undefined) {
      if (cause !== 'call' || who !== applicationAgent) verdict.touched.push(said);
      continue;
    }
    const origin = [
      cluster,
      properties['syncer-origin-service'],
      properties['syncer-origin-instance'],
    ].join('/');
    if (kind === 'instance-removed') {
      verdict[cause === 'lease-ended' ? 'lapsed' : 'removed'].push(said);
      living.delete(origin);
      continue;
    }
    const before = living.get(origin);
    if (before !== undefined && before !== instance.instanceId) verdict.twice.push(said);
    living.set(origin, instance.instanceId);
    const epoch = Number(properties['syncer-epoch'] ?? 0);
    if (epoch < newest) verdict.oldWriters.push(`${said} with epoch ${epoch} after ${newest}`);
    newest = Math.max(newest, epoch);
  }
  return verdict;
}
