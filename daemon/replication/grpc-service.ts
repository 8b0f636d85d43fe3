// The gRPC face of replication. Frames cross gRPC as bytes and are read by our own codec, so that a
// bad frame is named by us, counted, and never half applied.

import { Buffer } from 'node:buffer';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceDefinition, StatusObject } from '@grpc/grpc-js';
import { ReplicationServiceService } from '../../proto/gen/syncer/replication/v1/replication.ts';
import type { StreamEnd } from './frames.ts';
import type { ReplicationLimits } from './limits.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const bytesOnly = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/** `ReplicationService` with frames as bytes. */
export const replicationService = {
  subscribe: { ...ReplicationServiceService.subscribe, ...bytesOnly },
  push: { ...ReplicationServiceService.push, ...bytesOnly },
  lookup: ReplicationServiceService.lookup,
} as const satisfies ServiceDefinition;

/** Channel options of both sides: field.md §8 has the reasons for the sizes. */
export function channelOptions(limits: ReplicationLimits): Record<string, number | string> {
  return {
    'grpc.max_receive_message_length': limits.messageBytes,
    'grpc.max_send_message_length': limits.messageBytes,
    // A broken path is noticed even when the peer's process is frozen and its kernel is not.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
    // HTTP/2's own window of 64 KB would stop a stream at every third frame's end.
    'grpc-node.flow_control_window': limits.windowBytes,
    // Retrying is ours: theirs would keep copies of what was sent.
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    // Addresses are no server names (RFC 6066); who answers is judged in `certificates.ts`.
    'grpc.ssl_target_name_override': 'syncer',
  };
}

/** The trailer by which a refusal keeps its code. */
const endTrailer = 'syncer-end';

const statusOf: Readonly<Record<StreamEnd['code'], status>> = {
  goodbye: status.OK,
  left: status.OK,
  stopped: status.OK,
  lost: status.UNAVAILABLE,
  silent: status.DEADLINE_EXCEEDED,
  replaced: status.ABORTED,
  duplicate: status.ALREADY_EXISTS,
  version: status.FAILED_PRECONDITION,
  'wrong-cluster': status.FAILED_PRECONDITION,
  'unknown-cluster': status.PERMISSION_DENIED,
  protocol: status.INVALID_ARGUMENT,
  'bad-snapshot': status.DATA_LOSS,
  'record-too-large': status.RESOURCE_EXHAUSTED,
};

/** True for an end that is no failure: the call closes in order. */
export function isClean(end: StreamEnd): boolean {
  return statusOf[end.code] === status.OK;
}

/** Gives the gRPC status of an end, as a server sends it. */
export function endStatus(end: StreamEnd): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata();
  metadata.set(endTrailer, end.code);
  return { code: statusOf[end.code], details: asciiOnly(end.reason), metadata };
}

/** Gives what a gRPC status means, as a client sees it. */
export function statusEnd(error: Pick<StatusObject, 'code' | 'details' | 'metadata'>): StreamEnd {
  const [code] = error.metadata.get(endTrailer);
  if (typeof code === 'string' && code in statusOf) {
    return { code: code as StreamEnd['code'], reason: error.details };
  }
  if (error.code === status.UNIMPLEMENTED) {
    const reason = 'what answers there does not speak syncer.replication.v1';
    return { code: 'version', reason };
  }
  if (error.code === status.RESOURCE_EXHAUSTED) {
    return { code: 'protocol', reason: error.details };
  }
  return { code: 'lost', reason: error.details || `gRPC status ${error.code}` };
}

/** gRPC's own escaping of details is not undone by every client. */
function asciiOnly(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 1_024);
}
