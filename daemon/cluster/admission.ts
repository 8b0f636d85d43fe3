// Taking a replica into an etcd cluster that runs: the third that comes later, and one that has lost
// its data directory.

import type { Logger } from '../support/logger.ts';
import type { EtcdClient, EtcdMemberEntry } from './etcd-client.ts';
import type { FoundingPlan } from './founding.ts';

export interface Joiner {
  readonly name: string;
  readonly peerUrl: string;
}

export type Admission =
  | { readonly type: 'admitted'; readonly initialCluster: FoundingPlan }
  | { readonly type: 'refused'; readonly members: string };

const maxMembers = 3;

/** What is done for a joiner. A pure function of the members and who comes. */
function judgeJoiner(
  members: readonly EtcdMemberEntry[],
  joiner: Joiner,
):
  | { readonly type: 'add' }
  /** It was added, and has never started. */
  | { readonly type: 'known' }
  /** It comes without its data: its old self goes first. */
  | { readonly type: 'replace'; readonly id: string }
  | { readonly type: 'refuse' } {
  const same = members.find(
    ({ name, peerUrls }) => name === joiner.name || peerUrls.includes(joiner.peerUrl),
  );
  if (same === undefined) return { type: members.length < maxMembers ? 'add' : 'refuse' };
  if (same.name === '') return { type: 'known' };
  return same.name === joiner.name ? { type: 'replace', id: same.id } : { type: 'refuse' };
}

/** Takes the joiner in, or says why not. Rejects when etcd does not answer. */
export async function admit(
  etcd: Pick<EtcdClient, 'members' | 'addMember' | 'removeMember'>,
  joiner: Joiner,
  logger: Logger,
): Promise<Admission> {
  let members = await etcd.members();
  const verdict = judgeJoiner(members, joiner);
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
  return {
    type: 'admitted',
    initialCluster: members.map(({ id, name, peerUrls }) => ({
      // etcd compares the addresses alone; one that never started has no name yet.
      name: peerUrls.includes(joiner.peerUrl) ? joiner.name : name === '' ? id : name,
      peerUrl: peerUrls[0] ?? '',
    })),
  };
}
