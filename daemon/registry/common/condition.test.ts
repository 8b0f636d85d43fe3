import { describe, expect, it } from 'vitest';
import { conditionOfTrouble } from './condition.ts';

const refused = (status: number, code = '', message = '') =>
  ({ kind: 'refused', status, code, message }) as const;

describe('a refused read', () => {
  it.each([
    [401, 'refused-rights'],
    [403, 'refused-rights'],
    [404, 'bad-answer'],
    [304, 'bad-answer'],
    [422, 'bad-answer'],
    [429, 'server-error'],
    [500, 'server-error'],
    [503, 'server-error'],
  ])('HTTP %i of a read is %s, never "gone"', (status, reason) => {
    expect(conditionOfTrouble(refused(status))).toMatchObject({ state: 'unknown', reason });
  });
});
