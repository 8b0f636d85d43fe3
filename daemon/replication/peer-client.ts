// Our end of the streams that we open: Subscribe to pull a peer's export, Push to bring it ours.

import { Client } from '@grpc/grpc-js';
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import type { LookupResponse } from '../../proto/gen/syncer/replication/v1/replication.ts';
import type { ExportRecord } from '../model/records.ts';
import type { ExporterPort } from './exporter-session.ts';
import type { ExporterFrame, ImporterFrame, StreamEnd } from './frames.ts';
import {
  decodeExporterFrame,
  decodeImporterFrame,
  encodeExporterFrame,
  encodeImporterFrame,
} from './frame-codec.ts';
import { channelOptions, replicationService } from './grpc-service.ts';
import type { ImporterPort } from './importer-session.ts';
import type { ReplicationLimits } from './limits.ts';
import { lookupRecord } from './lookup.ts';
import type { LookupQuery } from './lookup.ts';
import { runCall } from './stream-binding.ts';
import type { OpenedSession } from './stream-binding.ts';

export interface PeerClientOptions {
  /** `host:port`. */
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly limits: ReplicationLimits;
}

/** Pulls: runs an importer session on a Subscribe stream; resolves with its end. */
export function subscribe(
  options: PeerClientOptions,
  open: (port: ImporterPort) => OpenedSession<ExporterFrame> | StreamEnd,
): Promise<StreamEnd> {
  return withClient(options, (client) => {
    const { path, requestSerialize, responseDeserialize } = replicationService.subscribe;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return runCall(call, { open, encode: encodeImporterFrame, decode: decodeExporterFrame });
  });
}

/** Pushes: runs an exporter session on a Push stream; resolves with its end. */
export function push(
  options: PeerClientOptions,
  open: (port: ExporterPort) => OpenedSession<ImporterFrame> | StreamEnd,
): Promise<StreamEnd> {
  return withClient(options, (client) => {
    const { path, requestSerialize, responseDeserialize } = replicationService.push;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return runCall(call, { open, encode: encodeExporterFrame, decode: decodeImporterFrame });
  });
}

/** Looks something up in a peer's export: up to `limit` records. Rejects with the gRPC error. */
export function lookUp(
  options: PeerClientOptions,
  query: LookupQuery,
  limit: number,
  timeoutMs: number,
): Promise<{ readonly records: readonly ExportRecord[]; readonly total: number }> {
  const deadline = Date.now() + timeoutMs;
  return withClient(options, async (client) => {
    const records: ExportRecord[] = [];
    let pageToken = '';
    for (;;) {
      const request = { ...query, pageToken, pageSize: limit - records.length };
      const page = await unaryLookup(client, request, deadline);
      records.push(...page.records.map(lookupRecord));
      if (page.nextPageToken === '' || page.nextPageToken <= pageToken || records.length >= limit) {
        return { records: records.slice(0, limit), total: page.total };
      }
      pageToken = page.nextPageToken;
    }
  });
}

function unaryLookup(
  client: Client,
  request: LookupQuery & { readonly pageToken: string; readonly pageSize: number },
  deadline: number,
): Promise<LookupResponse> {
  const { path, requestSerialize, responseDeserialize } = replicationService.lookup;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
      (error: ServiceError | null, response?: LookupResponse) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error('a look-up without an answer'));
        else resolve(response);
      },
    );
  });
}

async function withClient<T>(
  { address, credentials, limits }: PeerClientOptions,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(address, credentials, {
    ...channelOptions(limits),
    // A connection of its own: closed with the client, and made with the certificates of now.
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
