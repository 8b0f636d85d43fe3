import { describe, expect, it } from 'vitest';
import { failedBy } from './write-failure.ts';

const refused = (status: number, code = '', message = '') =>
  ({ kind: 'refused', status, code, message }) as const;

describe('a refused write', () => {
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
