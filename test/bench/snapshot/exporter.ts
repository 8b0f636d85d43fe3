// The exporting process of the snapshot bench: serves an export of the size asked for through
// replication, and the same bytes through a bare grpc-js stream.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleServerStreamingCall, UntypedHandleCall } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { encodeInstance } from '../../../daemon/model/record-codec.ts';
import { encodeExporterFrame } from '../../../daemon/replication/frame-codec.ts';
import { channelOptions } from '../../../daemon/replication/grpc-service.ts';
import { defaultLimits } from '../../../daemon/replication/limits.ts';
import type { ExportRecord } from '../../../daemon/model/records.ts';
import type { CertificateFiles } from '../../support/certificates.ts';
import { MemoryExport } from '../../replication/models/memory-export.ts';
import { startSite } from '../../replication/models/site.ts';
import { bareMethod } from './bare.ts';

interface Order {
  readonly instances: number;
  readonly tls?: CertificateFiles;
}

const order = JSON.parse(process.argv[2] ?? '') as Order;
const source = new MemoryExport('exporter');
for (let index = 0; index < order.instances; index++) put(index, '');

const tls = order.tls === undefined ? {} : { tls: order.tls };
const site = await startSite({ source, sinks: new Map() }, tls);
const bare = await serveBare();
process.send?.({ address: site.address, bare: `127.0.0.1:${bare}` });
process.on('message', (changes: number) => void change(changes));
process.on('disconnect', () => process.exit());

/** Puts an instance with about 200 bytes of properties, as field.md §8 measured. */
function put(index: number, stamp: string): void {
  const serviceId = String(Math.floor(index / 300)).padStart(32, '0');
  const instanceId = String(index).padStart(32, '0');
  const payload = encodeInstance({
    serviceId,
    instanceId,
    endpoints: [`rest://10.0.${index % 250}.7:8080?sslEnabled=false`, `highway://10.0.0.7:7070`],
    hostName: `host-${index}`,
    status: 'UP',
    properties: { stamp, region: 'south-7', rack: String(index % 97), note: 'n'.repeat(140) },
    healthCheck: { mode: 'push', port: 0, interval: 30, times: 3, url: '' },
    dataCenterInfo: undefined,
    version: '1.0.0',
  });
  source.put('instance', `i/${serviceId}/${instanceId}`, payload);
}

/** Changes one instance at a time, far enough apart that each is a hop of its own. */
async function change(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    put(index, String(process.hrtime.bigint()));
  }
}

async function serveBare(): Promise<number> {
  const frames: Buffer[] = [];
  const records: ExportRecord[] = [...source.records()];
  for (let start = 0; start < records.length; start += defaultLimits.frameRecords) {
    frames.push(
      encodeExporterFrame({
        type: 'records',
        sequence: 1,
        records: records.slice(start, start + defaultLimits.frameRecords),
        removals: [],
        revision: 0,
      }),
    );
  }
  const server = new Server(channelOptions(defaultLimits));
  const serve: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    let next = 0;
    const write = (): void => {
      for (let frame = frames[next]; frame !== undefined; frame = frames[next]) {
        next++;
        if (!call.write(frame)) return;
      }
      call.end();
    };
    call.on('drain', write);
    write();
  };
  server.addService({ bare: bareMethod }, { bare: serve as UntypedHandleCall });
  const credentials =
    order.tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          readFileSync(order.tls.caFile),
          [
            {
              cert_chain: readFileSync(order.tls.certFile),
              private_key: readFileSync(order.tls.keyFile),
            },
          ],
          true,
        );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
