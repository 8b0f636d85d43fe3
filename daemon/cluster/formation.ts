// How a replica comes to its etcd member: what its disk says, or a founding agreed over gossip
// (`founding.ts`), or admission by a cluster that runs already. Written down before etcd starts.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SyncerError } from '../../proto/errors.ts';
import type { GossipPool, PoolMember } from '../gossip/pool.ts';
import { readTags } from '../membership/tags.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { randomInt, type Random } from '../support/random.ts';
import { admit, type Admission, type Joiner } from './admission.ts';
import type { EtcdClient } from './etcd-client.ts';
import {
  afterAccept,
  afterPrepare,
  answerFounding,
  foundingQuorum,
  unfounded,
  type FromReplica,
  type FoundingPlan,
  type FoundingReply,
  type FoundingRequest,
  type FoundingState,
} from './founding.ts';

/** What etcd is started with. */
export interface Formed {
  readonly initialCluster: FoundingPlan;
  readonly initialState: 'new' | 'existing';
}

interface Kept {
  /** Made with the data directory: another one means that the old one is lost. */
  readonly incarnation: string;
  readonly founding: FoundingState;
  readonly formed: Formed | undefined;
  /** Its etcd member was taken out, or never came up: it asks to be taken in, and founds nothing. */
  readonly outside: boolean;
}

type Question =
  | { readonly cluster: string; readonly founding: FoundingRequest }
  | { readonly cluster: string; readonly join: Joiner };

type Answer =
  | { readonly founding: FoundingReply }
  | { readonly admission: Admission }
  | { readonly nothing: true };

export interface FormationOptions {
  readonly cluster: string;
  readonly node: string;
  readonly pool: GossipPool;
  /** `etcd` below the data directory. */
  readonly directory: string;
  /** Live replicas of our cluster beside the same registry, ourselves among them. */
  readonly replicas: () => readonly PoolMember[];
  /** Our own etcd, once it runs: then we admit others. */
  readonly etcd: () => EtcdClient | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const queryName = 'syncer-etcd-formation';
/**
 * A second replica has come: the third may be a moment away. Raising it founds with all three more
 * often, which a lost one leaves able to elect; a cluster of two waits so long once.
 */
const settleMs = 6_000;
const roundMs = 500;
const queryMs = 1_500;
const maxMembers = 3;

export interface Formation {
  /** For people, while `formed` is awaited. */
  readonly waitsFor: string;
  /** Resolves when etcd may start. Rejects with `cluster.fourth-replica`, or when aborted. */
  formed(): Promise<Formed>;
  /**
   * etcd could not start as it was formed: the next `formed` asks the others anew. `removed`: its
   * member was taken out, and what is on its disk is of no use.
   */
  lost(how: 'removed' | 'never-started'): void;
}

/** Gives the formation, which answers the other replicas from now on. */
export function createFormation(options: FormationOptions): Formation {
  const { cluster, node, pool, clock, logger, signal } = options;
  const file = path.join(options.directory, 'formation.json');
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  let kept = load(file, options.random);
  let waitsFor = 'a second replica of this cluster';

  const keep = (changed: Partial<Kept>): void => {
    kept = { ...kept, ...changed };
    const draft = `${file}.draft`;
    writeFileSync(draft, JSON.stringify(kept, undefined, 2), { mode: 0o600, flush: true });
    renameSync(draft, file);
  };

  const formedNow = (): Formed | undefined => kept.formed;

  const answer = async (question: Question): Promise<Answer> => {
    if (question.cluster !== cluster) return { nothing: true };
    if ('join' in question) {
      const etcd = options.etcd();
      if (etcd === undefined) return { nothing: true };
      return { admission: await admit(etcd, question.join, logger) };
    }
    const { state, reply } = answerFounding(kept.founding, question.founding);
    if (state !== kept.founding) keep({ founding: state });
    return { founding: reply };
  };

  pool.answer(queryName, async ({ payload, from }) => {
    try {
      const question = JSON.parse(Buffer.from(payload).toString()) as Question;
      const known = options.replicas().some(({ name }) => name === from);
      return known ? Buffer.from(JSON.stringify(await answer(question))) : undefined;
    } catch (error) {
      logger.debug({ from, error: String(error) }, 'a question about etcd was not answered');
      return undefined;
    }
  });

  /** Asks the other live replicas. */
  const ask = async (
    question: Question,
  ): Promise<readonly { readonly from: string; readonly answer: Answer }[]> => {
    const others = options.replicas().filter(({ name }) => name !== node);
    if (others.length === 0) return [];
    const { responses } = await pool.query(queryName, Buffer.from(JSON.stringify(question)), {
      timeoutMs: queryMs,
      filterNodes: others.map(({ name }) => name),
    });
    return responses.map(({ from, payload }) => ({
      from,
      answer: JSON.parse(Buffer.from(payload).toString()) as Answer,
    }));
  };

  const askFounding = async (founding: FoundingRequest): Promise<readonly FromReplica[]> => {
    const own = { from: node, answer: await answer({ cluster, founding }) };
    const others = await ask({ cluster, founding });
    return [own, ...others].flatMap((one) =>
      'founding' in one.answer ? [{ from: one.from, reply: one.answer.founding }] : [],
    );
  };

  const decide = (plan: FoundingPlan): void => {
    if (kept.founding.decided === undefined) {
      keep({ founding: answerFounding(kept.founding, { type: 'decided', plan }).state });
    }
    logger.info({ plan }, 'the etcd cluster is agreed on');
  };

  /** One try to found; false: a higher ballot was seen, or a majority is missing. */
  const propose = async (round: number): Promise<number> => {
    const own = planOf(options.replicas());
    const ballot = { round, node };
    const promises = await askFounding({ type: 'prepare', ballot });
    const prepared = afterPrepare(
      own,
      promises.map(({ reply }) => reply),
    );
    if (prepared.type === 'failed') return prepared.highest;
    if (prepared.type === 'decided') {
      decide(prepared.plan);
      return round;
    }
    const { plan } = prepared;
    const outcome = afterAccept(plan, await askFounding({ type: 'accept', ballot, plan }));
    if (outcome.type === 'failed') return outcome.highest;
    decide(outcome.plan);
    await askFounding({ type: 'decided', plan: outcome.plan });
    return round;
  };

  const join = async (): Promise<Formed | undefined> => {
    const self = options.replicas().find(({ name }) => name === node);
    if (self === undefined) return undefined;
    const { incarnation } = kept;
    const joiner = { name: node, peerUrl: peerUrlOf(self), incarnation };
    const answers = await ask({ cluster, join: joiner });
    for (const { answer: one } of answers) {
      if (!('admission' in one)) continue;
      const { admission } = one;
      if (admission.type === 'refused') {
        throw new SyncerError('cluster.fourth-replica', { node, members: admission.members });
      }
      return { initialCluster: admission.initialCluster, initialState: 'existing' };
    }
    return undefined;
  };

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new Error('the syncer stops'));
        return;
      }
      const timer = clock.after(ms, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        reject(new Error('the syncer stops'));
      });
    });

  return {
    get waitsFor() {
      return waitsFor;
    },
    async formed() {
      if (kept.formed !== undefined) return kept.formed;
      let round = 0;
      let companySinceMs: number | undefined;
      for (;;) {
        await pause(roundMs);
        const { decided } = kept.founding;
        // Who did not agree to the decision may have lost the data of a member that has run already.
        const founds = !kept.outside && hasAgreed(kept.founding, node);
        if (decided !== undefined && founds) {
          keep({ formed: { initialCluster: decided, initialState: 'new' } });
        } else {
          // A cluster may run already, which takes us in.
          const joined = await join();
          if (joined !== undefined) keep({ formed: joined });
        }
        const formed = formedNow();
        if (formed !== undefined) return formed;
        const names = options.replicas().map(({ name }) => name);
        if (names.length < foundingQuorum) {
          companySinceMs = undefined;
          continue;
        }
        companySinceMs ??= clock.monotonicMs();
        waitsFor = `the agreement of ${names.join(', ')}`;
        // The first by name proposes; the others only if it does not come to it.
        const patienceMs = settleMs + 6_000 * names.indexOf(node);
        const waitedMs = clock.monotonicMs() - companySinceMs;
        if (names.length < maxMembers && waitedMs < settleMs) continue;
        if (decided !== undefined || (names[0] !== node && waitedMs < patienceMs)) continue;
        round = Math.max(await propose(round + 1), round + 1);
      }
    },
    lost(how) {
      if (how === 'removed') {
        const member = path.join(options.directory, 'member');
        rmSync(`${member}.removed`, { recursive: true, force: true });
        renameSync(member, `${member}.removed`);
      }
      const incarnation = how === 'removed' ? newIncarnation(options.random) : kept.incarnation;
      keep({ incarnation, formed: undefined, outside: true });
    },
  };
}

/** Whether a decision was made with this replica's own vote, and names it as a member. */
function hasAgreed({ accepted, decided }: FoundingState, node: string): boolean {
  if (decided?.some(({ name }) => name === node) !== true) return false;
  return JSON.stringify(accepted?.plan) === JSON.stringify(decided);
}

function newIncarnation(random: Random): string {
  return Array.from({ length: 4 }, () => randomInt(random, 0x1_0000).toString(16)).join('-');
}

/** The members in an order that all share; at most three. */
function planOf(replicas: readonly PoolMember[]): FoundingPlan {
  return replicas
    .map((member) => ({ name: member.name, peerUrl: peerUrlOf(member) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .slice(0, maxMembers);
}

/** Where a member's etcd is reached by its peers. */
export function peerUrlOf(member: PoolMember): string {
  const { address } = member;
  const host = address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${readTags(member)?.clusterPort ?? 0}`;
}

function load(file: string, random: Random): Kept {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      const incarnation = newIncarnation(random);
      return { incarnation, founding: unfounded, formed: undefined, outside: false };
    }
    throw new SyncerError('data-dir.unusable', { directory: file, reason: String(error) }, error);
  }
}
