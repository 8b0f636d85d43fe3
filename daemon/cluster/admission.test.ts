// Who is taken into an etcd that runs, and as what, when several replicas are asked at once.

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../support/logger.ts';
import { admit, type Admission } from './admission.ts';
import type { EtcdMemberEntry } from './etcd-client.ts';

const joiner = { name: 'three', peerUrl: 'http://three:1', incarnation: 'a' };

function place(names: readonly string[]) {
  let members: EtcdMemberEntry[] = names.map((name) => ({
    ...{ id: `id-${name}`, name, peerUrls: [`http://${name}:1`] },
  }));
  const values = new Map<string, string>();
  const removed: string[] = [];
  let added = 0;
  const etcd: Parameters<typeof admit>[0] = {
    members: async () => members,
    async addMember(peerUrl) {
      added += 1;
      members = [...members, { id: `added-${added}`, name: '', peerUrls: [peerUrl] }];
      return members;
    },
    async removeMember(id) {
      if (!members.some((one) => one.id === id)) throw new Error('etcdserver: member not found');
      removed.push(id);
      members = members.filter((one) => one.id !== id);
    },
    async get(key) {
      const value = values.get(key);
      const revisions = { createdRevision: 1, changedRevision: 1 };
      const entry =
        value === undefined
          ? undefined
          : { key, value: Buffer.from(value), lease: '0', ...revisions };
      return { entry, revision: 1 };
    },
    async commit(_guards, writes) {
      for (const write of writes) {
        if (write.type === 'put') values.set(write.key, Buffer.from(write.value).toString());
      }
      return { succeeded: true, revision: 1 };
    },
  };
  const ask = (incarnation: string): Promise<Admission> =>
    admit(etcd, { ...joiner, incarnation }, silentLogger);
  /** The member that was added runs, and has its name. */
  const starts = (): void => {
    members = members.map((one) => (one.name === '' ? { ...one, name: 'three' } : one));
  };
  return { ask, starts, removed, members: () => members };
}

describe('admission', () => {
  it('takes the third in, once, however often it asks', async () => {
    const { ask, starts, removed, members } = place(['one', 'two']);
    const first = await ask('a');
    expect(first).toMatchObject({ type: 'admitted', initialCluster: [{}, {}, { name: 'three' }] });
    expect(await ask('a')).toEqual(first);
    starts();
    // A late question of the same one, answered by another replica, does not replace it.
    expect(await ask('a')).toMatchObject({ type: 'admitted' });
    expect(removed).toEqual([]);
    expect(members()).toHaveLength(3);
  });

  it('replaces the member of one that comes without its data', async () => {
    const { ask, starts, removed } = place(['one', 'two', 'three']);
    await ask('b');
    expect(removed).toEqual(['id-three']);
    starts();
    await ask('b');
    expect(removed).toEqual(['id-three']);
    await ask('c');
    expect(removed).toEqual(['id-three', 'added-1']);
  });

  it('refuses a fourth', async () => {
    const { ask, removed } = place(['one', 'two', 'four']);
    expect(await ask('a')).toEqual({ type: 'refused', members: 'one, two, four' });
    expect(removed).toEqual([]);
  });
});
