import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

const clean = (text: string): string => redact(text, '/home/ada', 'ada');

describe('redaction', () => {
  it.each([
    ['"password":"hunter2 \\" x"', '"password":(hidden)'],
    ['token: abc.def', 'token: (hidden)'],
    ['authorization: Bearer abc.def-123', 'authorization: (hidden)'],
    ['sent Bearer abcdefghijkl', 'sent Bearer (hidden)'],
    ['--encrypt=MDEyMzQ1Njc4OWFiY2RlZg==', '--encrypt=(hidden)'],
    ['keys MDEyMzQ1Njc4OWFiY2RlZg== here', 'keys (hidden) here'],
    ['gossip.keys: [a, b]', 'gossip.keys: (hidden)'],
    ['http://bob:pw@10.0.0.1:30100/x', 'http://(hidden)@10.0.0.1:30100/x'],
    ['/home/ada/.local/state', '~/.local/state'],
    ['run as ada, not as adam', 'run as (user), not as adam'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----', '(hidden)'],
  ])('%s', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it('leaves ids of instances as they are', () => {
    const id = '0123456789abcdef0123456789abcdef';
    expect(clean(`instance ${id}`)).toBe(`instance ${id}`);
  });

  it('never lets a named secret through, whatever it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w!#$%&*+./-]{6,40}$/), (secret) => {
        expect(clean(JSON.stringify({ password: `zq${secret}` }))).not.toContain(`zq${secret}`);
      }),
    );
  });
});
