// The one table of errors: stable code → gRPC status, exit code, message. A code is `area.name`; its
// text and its remedy are the messages `errors.<code>.text` and `errors.<code>.remedy`.

import { createTranslator } from './translate.ts';
import type { MessageKey, MessageParameters, Translate } from './translate.ts';

/** Exit codes of the program; those of BSD's sysexits where it has a word for it. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  /** The command line was wrong. */
  usage: 64,
  /** What was asked for does not exist. */
  notFound: 66,
  /** The daemon, a registry or a peer does not answer. */
  unavailable: 69,
  /** A bug of ours. */
  internal: 70,
  /** The system refused (an address in use, a wrong runtime): restarting at once will not help. */
  system: 71,
  /** Reading or writing files failed. */
  io: 74,
  /** Trying again later may help (another daemon holds the data directory). */
  temporary: 75,
  /** Rights are missing. */
  permission: 77,
  /** The configuration is wrong: a supervisor must not restart the daemon. */
  config: 78,
} as const;

export type ExitCodeName = keyof typeof exitCodes;

/** Names as in `status` of @grpc/grpc-js: `status[entry.grpc]` is the number. */
export type GrpcStatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

interface ErrorEntry {
  readonly grpc: GrpcStatusName;
  readonly exit: ExitCodeName;
}

/** Every error that the product names. Codes are stable: scripts and the UI rely on them. */
export const errorTable = {
  // Configuration: one code a mistake; `config.invalid` stands for the whole list.
  'config.invalid': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.unknown-key': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.wrong-value': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.missing-value': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.incomplete': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.old-key': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.file-unreadable': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.file-syntax': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'config.changed-meanwhile': { grpc: 'ABORTED', exit: 'temporary' },

  'data-dir.held': { grpc: 'ALREADY_EXISTS', exit: 'temporary' },
  'data-dir.unusable': { grpc: 'FAILED_PRECONDITION', exit: 'io' },
  'store.newer-version': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'store.unreadable': { grpc: 'FAILED_PRECONDITION', exit: 'io' },
  'store.unwritable': { grpc: 'UNAVAILABLE', exit: 'io' },

  // Cluster mode: the etcd of the replicas, and who may be one.
  'etcd.missing': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'etcd.unsupported': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'cluster.fourth-replica': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'cluster.other-cluster': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'cluster.other-registry': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'cluster.single-mode': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'cluster.no-leader': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'cluster.nobody-else': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'cluster.no-answer': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'cluster.still-alive': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'cluster.foreign-etcd': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'cluster.etcd-away': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'cluster.etcd-refused': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  // Moving the mapping between SQLite and etcd.
  'cluster.no-etcd': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'cluster.no-state': { grpc: 'NOT_FOUND', exit: 'notFound' },
  'cluster.leads': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'cluster.two-writers': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },

  'runtime.too-old': { grpc: 'FAILED_PRECONDITION', exit: 'system' },
  'listen.in-use': { grpc: 'FAILED_PRECONDITION', exit: 'system' },
  'listen.not-ours': { grpc: 'FAILED_PRECONDITION', exit: 'system' },
  'listen.permission': { grpc: 'PERMISSION_DENIED', exit: 'permission' },
  'tls.file-unreadable': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'tls.bad-material': { grpc: 'INVALID_ARGUMENT', exit: 'config' },

  // Joining the pool (gossip/pool.ts JoinFailure).
  'join.unreachable': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'join.timeout': { grpc: 'DEADLINE_EXCEEDED', exit: 'unavailable' },
  'join.rpc-port': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'join.http-port': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'join.key': { grpc: 'UNAUTHENTICATED', exit: 'config' },
  'join.refused-merge': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'join.bad-answer': { grpc: 'UNAVAILABLE', exit: 'unavailable' },

  // The registry: its conditions (registry/driver.ts UnknownReason) and its plugin.
  'registry.plugin-unknown': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'registry.plugin-broken': { grpc: 'INVALID_ARGUMENT', exit: 'config' },
  'registry.starting': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'registry.unreachable': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'registry.refused-rights': { grpc: 'PERMISSION_DENIED', exit: 'permission' },
  'registry.server-error': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'registry.bad-answer': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'registry.waiting-for-owners': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'registry.suspicious-loss': { grpc: 'FAILED_PRECONDITION', exit: 'unavailable' },
  'registry.differing-nodes': { grpc: 'FAILED_PRECONDITION', exit: 'unavailable' },
  'registry.driver-fault': { grpc: 'UNAVAILABLE', exit: 'unavailable' },

  // The control API and the commands on it.
  'control.not-running': { grpc: 'UNAVAILABLE', exit: 'unavailable' },
  'control.refused': { grpc: 'PERMISSION_DENIED', exit: 'permission' },
  'control.no-answer': { grpc: 'DEADLINE_EXCEEDED', exit: 'unavailable' },
  'control.unsupported': { grpc: 'UNIMPLEMENTED', exit: 'unavailable' },
  'control.version': { grpc: 'FAILED_PRECONDITION', exit: 'unavailable' },
  'control.not-listening': { grpc: 'UNAVAILABLE', exit: 'system' },
  'control.no-pool': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'request.wrong-argument': { grpc: 'INVALID_ARGUMENT', exit: 'usage' },
  'request.unknown-command': { grpc: 'INVALID_ARGUMENT', exit: 'usage' },
  'request.unknown-option': { grpc: 'INVALID_ARGUMENT', exit: 'usage' },
  'request.missing-argument': { grpc: 'INVALID_ARGUMENT', exit: 'usage' },
  'request.excess-argument': { grpc: 'INVALID_ARGUMENT', exit: 'usage' },
  'request.not-found': { grpc: 'NOT_FOUND', exit: 'notFound' },
  'request.file-unreadable': { grpc: 'NOT_FOUND', exit: 'notFound' },
  'request.cancelled': { grpc: 'CANCELLED', exit: 'failure' },
  'request.too-large': { grpc: 'RESOURCE_EXHAUSTED', exit: 'usage' },
  'request.too-many': { grpc: 'RESOURCE_EXHAUSTED', exit: 'failure' },
  'request.wrong-sender': { grpc: 'PERMISSION_DENIED', exit: 'permission' },

  // The page that the daemon serves (daemon/web).
  'ui.not-served': { grpc: 'FAILED_PRECONDITION', exit: 'failure' },
  'ui.not-built': { grpc: 'FAILED_PRECONDITION', exit: 'config' },
  'ui.no-session': { grpc: 'UNAUTHENTICATED', exit: 'permission' },
  'ui.wrong-origin': { grpc: 'PERMISSION_DENIED', exit: 'permission' },
  'ui.no-such-page': { grpc: 'NOT_FOUND', exit: 'notFound' },

  // The desktop shell's own settings (main/settings).
  'settings.locked': { grpc: 'PERMISSION_DENIED', exit: 'permission' },
  'settings.unwritable': { grpc: 'UNAVAILABLE', exit: 'io' },
  'settings.unreadable': { grpc: 'INVALID_ARGUMENT', exit: 'config' },

  'internal.bug': { grpc: 'INTERNAL', exit: 'internal' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** Gives the keys of an error's text and remedy. Fails to compile for a code without messages. */
export function errorMessageKeys(code: ErrorCode): {
  readonly text: MessageKey;
  readonly remedy: MessageKey;
} {
  return { text: `errors.${code}.text`, remedy: `errors.${code}.remedy` };
}

/** Whether a text (of a gRPC trailer, say) is a code of the table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

const english = createTranslator('en');

/** An error of the table. `message` is its English text, for logs; people get `describeError`. */
export class SyncerError extends Error {
  override readonly name = 'SyncerError';
  readonly code: ErrorCode;
  readonly parameters: MessageParameters;

  constructor(code: ErrorCode, parameters: MessageParameters = {}, cause?: unknown) {
    super(english(errorMessageKeys(code).text, parameters), cause === undefined ? {} : { cause });
    this.code = code;
    this.parameters = parameters;
  }

  /** The process' exit code when this error ends it. */
  get exitCode(): number {
    return exitCodes[errorTable[this.code].exit];
  }
}

/** Gives what is wrong and what to do, in the translator's language. */
export function describeError(
  error: { readonly code: ErrorCode; readonly parameters: MessageParameters },
  translate: Translate,
): { readonly text: string; readonly remedy: string } {
  const keys = errorMessageKeys(error.code);
  return {
    text: translate(keys.text, error.parameters),
    remedy: translate(keys.remedy, error.parameters),
  };
}

/** Any thrown value as an error of the table: what is not one becomes `internal.bug`. */
export function asSyncerError(thrown: unknown): SyncerError {
  if (thrown instanceof SyncerError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new SyncerError('internal.bug', { detail }, thrown);
}
