// The gRPC server on --rpc-addr: whoever may connect pulls our export, pushes theirs, looks things up.

import { Server, status } from '@grpc/grpc-js';
import type { ServerCredentials, ServerDuplexStream, UntypedHandleCall } from '@grpc/grpc-js';
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Buffer } from 'node:buffer';
import type {
  LookupRequest,
  LookupResponse,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import { listenError } from '../support/listen-error.ts';
import type { ExporterFrame, ImporterFrame, StreamEnd } from './frames.ts';
import {
  decodeExporterFrame,
  decodeImporterFrame,
  encodeExporterFrame,
  encodeImporterFrame,
} from './frame-codec.ts';
import type { ExporterPort } from './exporter-session.ts';
import { channelOptions, replicationService } from './grpc-service.ts';
import type { ImporterPort } from './importer-session.ts';
import type { ReplicationLimits } from './limits.ts';
import { lookupPage } from './lookup.ts';
import type { LookupSource } from './lookup.ts';
import { serveCall } from './stream-binding.ts';
import type { OpenedSession } from './stream-binding.ts';

export interface ReplicationServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly credentials: ServerCredentials;
  readonly limits: ReplicationLimits;
  readonly lookup: LookupSource;
  /** A peer wants our export. */
  onSubscribe(address: string, port: ExporterPort): OpenedSession<ImporterFrame> | StreamEnd;
  /** A peer brings its export; it is not known yet whose. */
  onPush(address: string, port: ImporterPort): OpenedSession<ExporterFrame> | StreamEnd;
}

/** Streams of one connection; a peer needs two. Raising it lets one peer hold more of us. */
const streamsPerConnection = 64;

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Listens; resolves with the server and its port, rejects with the system's reason. */
export async function startReplicationServer(
  options: ReplicationServerOptions,
): Promise<{ readonly server: Server; readonly port: number }> {
  const { limits, host, port, credentials } = options;
  const server = new Server({
    ...channelOptions(limits),
    'grpc.max_concurrent_streams': streamsPerConnection,
  });
  const lookup: handleUnaryCall<LookupRequest, LookupResponse> = ({ request }, callback) => {
    try {
      callback(null, lookupPage(options.lookup, request));
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error);
      callback({ code: status.INVALID_ARGUMENT, details });
    }
  };
  server.addService(replicationService, {
    subscribe: ((call: Call) =>
      serveCall(call, {
        open: (out) => options.onSubscribe(call.getPeer(), out),
        encode: encodeExporterFrame,
        decode: decodeImporterFrame,
      })) as UntypedHandleCall,
    push: ((call: Call) =>
      serveCall(call, {
        open: (out) => options.onPush(call.getPeer(), out),
        encode: encodeImporterFrame,
        decode: decodeExporterFrame,
      })) as UntypedHandleCall,
    lookup: lookup as UntypedHandleCall,
  });
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, boundPort) => {
      if (error === null) resolve(boundPort);
      else reject(listenError(error, address, '--rpc-addr'));
    });
  });
  return { server, port: bound };
}
