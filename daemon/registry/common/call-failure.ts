// Why a call got no answer, from the errors of undici and of Node's sockets.

export interface CallFailure {
  /** `unreachable`: no connection or a cut one; `bad-answer`: an answer that cannot be read. */
  readonly code: 'unreachable' | 'timeout' | 'bad-answer';
  /** The process behind the address may have ended: owners may have lost their leases. */
  readonly interrupts: boolean;
  /** The request may have been carried out. */
  readonly sent: boolean;
  readonly detail: string;
}

const refused = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'ENETDOWN',
]);
const cut = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET', 'UND_ERR_CLOSED']);
const late = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** Gives the failure that an error of undici means. */
export function classifyError(error: unknown): CallFailure {
  const { code, message, name } = partsOf(error);
  const detail = message === '' ? code || name : message;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { code: 'unreachable', interrupts: true, sent: false, detail };
  }
  if (refused.has(code)) return { code: 'unreachable', interrupts: true, sent: false, detail };
  if (cut.has(code)) return { code: 'unreachable', interrupts: true, sent: true, detail };
  if (late.has(code) || name === 'TimeoutError') {
    return { code: 'timeout', interrupts: false, sent: true, detail };
  }
  // A certificate that does not hold is no sign of a server that went away.
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return { code: 'unreachable', interrupts: false, sent: false, detail: `TLS: ${detail}` };
  }
  return { code: 'bad-answer', interrupts: false, sent: true, detail };
}

/** True when the other side cut a connection (not our own closing of idle or aborted ones). */
export function isCut(error: unknown): boolean {
  return cut.has(partsOf(error).code);
}

function partsOf(error: unknown): { code: string; message: string; name: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error), name: '' };
  // Several addresses of one host: the first one's error speaks for all.
  if (error instanceof AggregateError && error.errors.length > 0) return partsOf(error.errors[0]);
  const { code } = error as { code?: unknown };
  return { code: typeof code === 'string' ? code : '', message: error.message, name: error.name };
}
