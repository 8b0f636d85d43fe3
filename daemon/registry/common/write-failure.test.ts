import { describe, expect, it } from 'vitest';
import { failedBy } from './write-failure.ts';

const refused = (status: number, code = '', message = '') =>
  ({ kind: 'refused', status, code, message }) as const;

describe('a refused write', () => {
  it.each([
    [400, 'request body too large', 'too-large', false],
    [400, 'field is invalid', 'invalid', false],
    [401, '', 'rights', true],
    [403, '', 'rights', true],
    [404, '404 page not found', 'server-error', true],
    [429, '', 'server-error', true],
    [503, '', 'server-error', true],
  ])('HTTP %i "%s" is %s', (status, message, expected, retry) => {
    const { failure } = failedBy(refused(status, '', message), 'try');
    expect(failure).toMatchObject({ code: expected, retry });
    expect(failure.detail).toMatch(/^try: /);
  });

  it.each([
    ['unreachable', 'unreachable'],
    ['timeout', 'timeout'],
    ['bad-answer', 'server-error'],
  ] as const)('a call that failed by %s is %s, and may be tried again', (code, expected) => {
    const failure = { code, interrupts: false, sent: true, detail: 'it broke' };
    expect(failedBy({ kind: 'failed', failure }, 'try').failure).toEqual({
      code: expected,
      retry: true,
      detail: 'try: it broke',
    });
  });
});
