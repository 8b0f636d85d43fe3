// Taking a replica into an etcd cluster that runs: the third that comes later, and one that has lost
// its data directory. Several replicas may be asked at once: what each does is safe beside the others.

import { ownPrefix } from '../store/etcd-mapping.ts';
import type { Logger } from '../support/logger.ts';
import type { EtcdClient, EtcdMemberEntry } from './etcd-client.ts';
import type { FoundingPlan } from './founding.ts';

export interface Joiner {
  readonly name: string;
  readonly peerUrl: string;
  /** Of its data directory: another one than it was taken in with means that its data is lost. */
  readonly incarnation: string;
}

export type Admission =
  | { readonly type: 'admitted'; readonly initialCluster: FoundingPlan }
  | { readonly type: 'refused'; readonly members: string };

/** As which member an incarnation was taken in. Written before it is told, so before it starts. */
interface Taken {
  readonly incarnation: string;
  readonly memberId: string;
}

const maxMembers = 3;
const takenPrefix = `${ownPrefix}members/`;

/** What is done for a joiner. A pure function of the members, who comes, and what is known of it. */
function judgeJoiner(
  members: readonly EtcdMemberEntry[],
  joiner: Joiner,
  taken: Taken | undefined,
):
  | { readonly type: 'add' }
  /** It was taken in before, as this member. */
  | { readonly type: 'known'; readonly id: string }
  /** It comes without its data: its old self goes first. */
  | { readonly type: 'replace'; readonly id: string }
  | { readonly type: 'refuse' } {
  const same = members.find(
    ({ name, peerUrls }) => name === joiner.name || peerUrls.includes(joiner.peerUrl),
  );
  if (same === undefined) return { type: members.length < maxMembers ? 'add' : 'refuse' };
  if (same.name !== joiner.name && same.name !== '') return { type: 'refuse' };
  const isItself =
    taken?.memberId === same.id
      ? taken.incarnation === joiner.incarnation
      : // Added by another one a moment ago: it has no name before it has started.
        same.name === '';
  return isItself && same.peerUrls.includes(joiner.peerUrl)
    ? { type: 'known', id: same.id }
    : { type: 'replace', id: same.id };
}

/** Takes the joiner in, or says why not. Rejects when etcd does not answer. */
export async function admit(
  etcd: Pick<EtcdClient, 'members' | 'addMember' | 'removeMember' | 'get' | 'commit'>,
  joiner: Joiner,
  logger: Logger,
): Promise<Admission> {
  const key = takenPrefix + joiner.name;
  // In this order: a member that runs was written down before it began.
  let members = await etcd.members();
  const { entry } = await etcd.get(key);
  const verdict = judgeJoiner(members, joiner, readTaken(entry?.value));
  if (verdict.type === 'refuse') {
    return { type: 'refused', members: members.map(({ name }) => name).join(', ') };
  }
  if (verdict.type === 'replace') {
    logger.warn(
      { ...joiner },
      `${joiner.name} comes without its data: its etcd member is replaced`,
    );
    await etcd.removeMember(verdict.id);
  }
  if (verdict.type !== 'known') members = await etcd.addMember(joiner.peerUrl);
  const own = members.find(({ peerUrls }) => peerUrls.includes(joiner.peerUrl));
  if (own === undefined) throw new Error(`etcd has no member at ${joiner.peerUrl}`);
  const taken: Taken = { incarnation: joiner.incarnation, memberId: own.id };
  await etcd.commit([], [{ type: 'put', key, value: JSON.stringify(taken) }]);
  return {
    type: 'admitted',
    initialCluster: members.map(({ id, name, peerUrls }) => ({
      // etcd compares the addresses alone; one that never started has no name yet.
      name: id === own.id ? joiner.name : name === '' ? id : name,
      peerUrl: peerUrls[0] ?? '',
    })),
  };
}

/** Forgets as which member a replica was taken in, once that is gone. */
export async function forgetTaken(etcd: Pick<EtcdClient, 'commit'>, name: string): Promise<void> {
  await etcd.commit([], [{ type: 'delete', key: takenPrefix + name }]);
}

function readTaken(value: Uint8Array | undefined): Taken | undefined {
  return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString()) as Taken);
}
