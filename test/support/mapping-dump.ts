// Prints the mapping that one etcd holds as JSON (argument: its URL): for etcds that only a process on
// their own host reaches.

import { createEtcdClient } from '../../daemon/cluster/etcd-client.ts';
import { readMappingSnapshot } from '../../daemon/store/etcd-snapshot.ts';

const client = createEtcdClient({ endpoints: [process.argv[2] ?? ''] });
const { mappings } = await readMappingSnapshot(client);
process.stdout.write(JSON.stringify(mappings));
client.close();
