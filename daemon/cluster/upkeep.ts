// What a replica looks after in its etcd: who its members are, as people are told it, and the size of
// its file, which etcd gives back to the disk only when it is defragmented.

import { ownPrefix } from '../store/etcd-mapping.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { EtcdClient, EtcdMemberEntry } from './etcd-client.ts';

/** etcd as this replica sees it. */
export interface EtcdView {
  /** `undefined`: it answers; else why not, for people. */
  readonly trouble: string | undefined;
  /** While it does not answer, of members of our own: how many answer their peers. */
  readonly answering: number | undefined;
  /** As it said when it last answered. */
  readonly members: readonly EtcdMemberEntry[];
  readonly version: string;
  readonly dbBytes: number;
}

export interface Upkeep {
  readonly view: EtcdView;
  stop(): void;
}

/** How often etcd is asked who its members are. Raising it makes the list shown older. */
const lookMs = 2_000;
/** How long a member has to answer at its peer address. Raising it calls a slow one alive. */
const peerMs = 1_000;
const defragmentEveryMs = 3_600_000;
/** A file below this is not worth the pause that defragmenting is. */
const smallBytes = 64 * 1024 * 1024;
/** Defragmented when the file is so many times what it holds; a leader, which it delays, later. */
const looseFactor = { follower: 2, leader: 4 };

/** Looks after etcd until stopped. `own`: the member is ours alone, so that its file is ours to tend. */
export function startUpkeep(options: {
  readonly etcd: Pick<EtcdClient, 'get' | 'members' | 'status' | 'defragment'>;
  readonly own: boolean;
  readonly leads: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): Upkeep {
  const { etcd, own, leads, clock, random, logger } = options;
  let view: EtcdView = {
    trouble: 'not asked yet',
    answering: undefined,
    members: [],
    version: '',
    dbBytes: 0,
  };
  let stopped = false;
  let timer: Timer | undefined;
  // Not all three at once: a member answers nobody meanwhile.
  let defragmentAtMs = clock.monotonicMs() + defragmentEveryMs * (0.5 + random.next());

  const look = async (): Promise<void> => {
    try {
      const [members, { version, dbBytes, usedBytes }] = await Promise.all([
        etcd.members(),
        etcd.status(),
        // The other two a member answers by itself; this one takes a quorum.
        etcd.get(ownPrefix),
      ]);
      const before = namesOf(view.members);
      view = { trouble: undefined, answering: undefined, members, version, dbBytes };
      if (namesOf(members) !== before) {
        logger.info({ members, version }, `the members of etcd: ${namesOf(members)}`);
      }
      const loose = looseFactor[leads() ? 'leader' : 'follower'];
      if (own && clock.monotonicMs() >= defragmentAtMs) {
        defragmentAtMs = clock.monotonicMs() + defragmentEveryMs;
        if (dbBytes > smallBytes && dbBytes > loose * usedBytes) await defragment(dbBytes);
      }
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== view.trouble) logger.warn({ trouble }, `etcd does not answer: ${trouble}`);
      view = { ...view, trouble, answering: own ? await answeringOf(view.members) : undefined };
    }
    if (!stopped) timer = clock.after(lookMs, () => void look());
  };

  const defragment = async (dbBytes: number): Promise<void> => {
    const sinceMs = clock.monotonicMs();
    await etcd.defragment();
    const tookMs = Math.round(clock.monotonicMs() - sinceMs);
    logger.info({ dbBytes, tookMs }, `etcd was defragmented in ${tookMs} ms`);
  };

  void look();
  return {
    get view() {
      return view;
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

/** How many members answer at the address that is there for their peers. */
async function answeringOf(members: readonly EtcdMemberEntry[]): Promise<number | undefined> {
  if (members.length === 0) return undefined;
  const answers = await Promise.all(
    members.map(async ({ peerUrls }) => {
      const signal = AbortSignal.timeout(peerMs);
      const answer = await fetch(`${peerUrls[0] ?? ''}/version`, { signal }).catch(() => undefined);
      return answer?.ok === true;
    }),
  );
  return answers.filter(Boolean).length;
}

/** The members by name; one that has not started has none yet. */
function namesOf(members: readonly EtcdMemberEntry[]): string {
  return members
    .map(({ name }) => (name === '' ? '(not started)' : name))
    .sort()
    .join(', ');
}
