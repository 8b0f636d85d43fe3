import { describe, expect, it } from 'vitest';
import { classifyError, isCut } from './call-failure.ts';

function withCode(code: string, message = 'it broke'): Error {
  return Object.assign(new Error(message), { code });
}

describe('errors of a connection', () => {
  it.each([
    ['ECONNREFUSED', 'unreachable', true, false],
    ['ENOTFOUND', 'unreachable', true, false],
    ['UND_ERR_CONNECT_TIMEOUT', 'unreachable', true, false],
    ['ECONNRESET', 'unreachable', true, true],
    ['UND_ERR_SOCKET', 'unreachable', true, true],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', false, true],
    ['CERT_HAS_EXPIRED', 'unreachable', false, false],
    ['HPE_INVALID_CONSTANT', 'bad-answer', false, true],
  ])('%s is %s', (code, expected, interrupts, sent) => {
    expect(classifyError(withCode(code))).toMatchObject({ code: expected, interrupts, sent });
  });

  it('takes the deadline of a signal as a timeout', () => {
    const error = new DOMException('The operation timed out', 'TimeoutError');
    expect(classifyError(error).code).toBe('timeout');
  });

  it('looks into the errors of a host with several addresses', () => {
    const error = new AggregateError([withCode('ECONNREFUSED'), withCode('EHOSTUNREACH')]);
    expect(classifyError(error)).toMatchObject({ code: 'unreachable', sent: false });
  });

  it('tells a cut by the other side from our own closing', () => {
    expect(isCut(withCode('UND_ERR_SOCKET'))).toBe(true);
    expect(isCut(withCode('UND_ERR_INFO'))).toBe(false);
    expect(isCut(withCode('UND_ERR_ABORTED'))).toBe(false);
  });
});
