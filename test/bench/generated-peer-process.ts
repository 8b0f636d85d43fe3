// The process behind generated-peer.ts (argument: the order as JSON). Tells its gossip address,
// ends on SIGTERM or when its parent has gone.

import { createGossipPool } from '../../daemon/gossip/worker/worker-pool.ts';
import { hostPort } from '../../daemon/membership/peers.ts';
import { writeTags } from '../../daemon/membership/tags.ts';
import { encodeInstance, encodeService } from '../../daemon/model/record-codec.ts';
import { instanceRecordKey, serviceRecordKey } from '../../daemon/model/records.ts';
import type { Instance, Service } from '../../daemon/model/service.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { MemoryExport } from '../replication/models/memory-export.ts';
import { startSite } from '../replication/models/site.ts';
import type { PeerOrder } from './generated-peer.ts';

const { cluster, services, instancesPerService } = JSON.parse(process.argv[2] ?? '') as PeerOrder;
const registry = `registry-of-${cluster}`;

const source = new MemoryExport(cluster);
for (let number = 0; number < services; number++) {
  const service = makeService(number);
  source.put('service', serviceRecordKey(service), encodeService(service));
  for (let index = 0; index < instancesPerService; index++) {
    const instance = makeInstance(service.serviceId, number * instancesPerService + index);
    source.put('instance', instanceRecordKey(instance), encodeInstance(instance));
  }
}

const site = await startSite({ source, sinks: new Map() }, { push: 'never', registry });
const pool = createGossipPool(
  {
    node: `${cluster}-1`,
    bind: { host: '127.0.0.1', port: 0 },
    tags: writeTags({
      cluster,
      registry,
      rpcPort: site.port,
      tls: false,
      clusterPort: 30_192,
      api: 1,
    }),
    profile: 'lan',
    keys: [],
    keyringFile: undefined,
    snapshotFile: undefined,
    rejoinAfterLeave: false,
  },
  { clock: systemClock, logger: silentLogger },
);
const gossip = await pool.start();
process.once('SIGTERM', () => process.exit());
process.once('disconnect', () => process.exit());
process.send?.({ gossip: hostPort(gossip.host, gossip.port) });

function makeService(number: number): Service {
  return {
    serviceId: String(number).padStart(32, '0'),
    domain: 'default',
    project: 'default',
    environment: ['development', 'testing', 'acceptance', 'production'][number % 4] ?? '',
    app: `bench-${number % 7}`,
    name: `generated-${String(number).padStart(5, '0')}`,
    version: '1.0.0',
    alias: '',
    description: '',
    level: 'BACK',
    status: 'UP',
    registerBy: 'SDK',
    framework: { name: 'java-chassis', version: '2.8.30' },
    properties: { team: `t${number % 11}` },
    tags: {},
    schemas: [],
    paths: [],
  };
}

/** About 200 bytes of properties, as field.md §8 measured with. */
function makeInstance(serviceId: string, number: number): Instance {
  const host = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  return {
    serviceId,
    instanceId: String(number).padStart(32, '0'),
    endpoints: [`rest://${host}:8080?sslEnabled=false`, `highway://${host}:7070`],
    hostName: `host-${number}`,
    status: 'UP',
    properties: { region: 'south-7', rack: String(number % 97), note: 'n'.repeat(150) },
    healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
    dataCenterInfo: undefined,
    version: '1.0.0',
  };
}
