import { describe, expect, it } from 'vitest';
import { classifyError, isCut } from './call-failure.ts';
import { conditionOfTrouble } from './condition.ts';
import { failedBy } from './write-failure.ts';

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

describe('refusals', () => {
  const refused = (status: number, code = '', message = '') =>
    ({ kind: 'refused', status, code, message }) as const;

  it.each([
    [401, 'refused-rights'],
    [403, 'refused-rights'],
    [404, 'bad-answer'],
    [304, 'bad-answer'],
    [422, 'bad-answer'],
    [500, 'server-error'],
    [503, 'server-error'],
  ])('HTTP %i of a read is %s, never "gone"', (status, reason) => {
    expect(conditionOfTrouble(refused(status))).toMatchObject({ state: 'unknown', reason });
  });

  it.each([
    [400, '400001', 'http: request body too large', 'too-large', false],
    [500, '500003', 'etcdserver: request is too large', 'too-large', false],
    [400, '400001', 'field is invalid', 'invalid', false],
    [400, '400010', '', 'conflict', false],
    [400, '400012', '', 'service-gone', true],
    [400, '400013', '', 'conflict', false],
    [400, '400023', '', 'conflict', false],
    [400, '400100', '', 'quota', true],
    [401, '401002', '', 'rights', true],
    [403, '', '', 'rights', true],
    [404, '', '404 page not found', 'server-error', true],
    [429, '', '', 'server-error', true],
    [500, '500011', '', 'server-error', true],
  ])('HTTP %i %s "%s" of a write is %s', (status, code, message, expected, retry) => {
    const { failure } = failedBy(refused(status, code, message), 'try');
    expect(failure).toMatchObject({ code: expected, retry });
    expect(failure.detail).toMatch(/^try: /);
  });
});
