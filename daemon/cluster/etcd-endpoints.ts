// Several endpoints of one etcd as one client: calls go to the one that answered last; one that fails
// makes the next call go to the next endpoint. Nothing is asked twice: what failed, its caller repeats.

import { createEtcdClient, type EtcdAccess, type EtcdClient } from './etcd-client.ts';

/** Gives the client; it connects when it is first asked. */
export function createEtcdEndpoints(access: EtcdAccess): EtcdClient {
  return rotating(
    access.endpoints.map((endpoint) => createEtcdClient({ ...access, endpoints: [endpoint] })),
  );
}

/** One client over several. */
function rotating(clients: readonly EtcdClient[]): EtcdClient {
  let current = 0;
  const at = (): EtcdClient => {
    const client = clients[current % clients.length];
    if (client === undefined) throw new Error('an etcd without endpoints');
    return client;
  };
  const use = async <T>(call: (client: EtcdClient) => Promise<T>): Promise<T> => {
    const used = current;
    try {
      return await call(at());
    } catch (error) {
      // Calls that failed together move on once.
      if (current === used) current += 1;
      throw error;
    }
  };
  return {
    get: (key) => use((client) => client.get(key)),
    read: (prefix, what) => use((client) => client.read(prefix, what)),
    commit: (guards, writes) => use((client) => client.commit(guards, writes)),
    watch: (prefix, fromRevision, listener) => at().watch(prefix, fromRevision, listener),
    grant: (ttlSeconds) => use((client) => client.grant(ttlSeconds)),
    keepAlive: (lease) => use((client) => client.keepAlive(lease)),
    revoke: (lease) => use((client) => client.revoke(lease)),
    members: () => use((client) => client.members()),
    addMember: (peerUrl) => use((client) => client.addMember(peerUrl)),
    removeMember: (id) => use((client) => client.removeMember(id)),
    status: () => use((client) => client.status()),
    defragment: () => use((client) => client.defragment()),
    close() {
      for (const client of clients) client.close();
    },
  };
}
