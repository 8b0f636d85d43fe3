// An error of the table through gRPC and back: the status for any client, the code and its
// parameters in the trailers for ours, so that the text is made in the language of the reader.

import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { asSyncerError, errorTable, isErrorCode, SyncerError, type ErrorCode } from '../errors.ts';
import type { MessageParameters } from '../translate.ts';

const codeKey = 'syncer-error';
/** Binary, because header values are ASCII and parameters are any text. */
const parametersKey = 'syncer-error-parameters-bin';

/** Gives what grpc-js sends for a thrown value. */
export function toServiceError(thrown: unknown): ServiceError {
  const error = asSyncerError(thrown);
  const metadata = new Metadata();
  metadata.set(codeKey, error.code);
  metadata.set(parametersKey, Buffer.from(JSON.stringify(error.parameters)));
  return Object.assign(new Error(error.message), {
    code: status[errorTable[error.code].grpc],
    details: error.message,
    metadata,
  });
}

/** What a client was doing when a call failed, for the texts of the failure. */
export interface CallPlace {
  readonly address: string;
  readonly timeoutMs: number;
}

/** Gives the error that a failed call means; what the daemon did not name is named by its status. */
export function fromServiceError(failure: ServiceError, place: CallPlace): SyncerError {
  const named = failure.metadata.get(codeKey)[0];
  if (typeof named === 'string' && isErrorCode(named)) {
    return new SyncerError(named, parametersOf(failure.metadata), failure);
  }
  return new SyncerError(codeOf(failure), parametersFor(failure, place), failure);
}

function codeOf(failure: ServiceError): ErrorCode {
  switch (failure.code) {
    case status.UNIMPLEMENTED:
      return 'control.unsupported';
    case status.DEADLINE_EXCEEDED:
      return 'control.no-answer';
    case status.CANCELLED:
      return 'request.cancelled';
    case status.UNAVAILABLE:
      return /EACCES|EPERM/.test(failure.details) ? 'control.refused' : 'control.not-running';
    default:
      return 'internal.bug';
  }
}

function parametersFor(failure: ServiceError, place: CallPlace): MessageParameters {
  return {
    address: place.address,
    seconds: place.timeoutMs / 1_000,
    detail: failure.details,
  };
}

function parametersOf(metadata: Metadata): MessageParameters {
  const bytes = metadata.get(parametersKey)[0];
  if (bytes === undefined) return {};
  try {
    return JSON.parse(bytes.toString()) as MessageParameters;
  } catch {
    // A text with its braces still says more than a failure to read the failure.
    return {};
  }
}
