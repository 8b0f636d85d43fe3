// Consul's own words, as a server of 1.22.5 was seen to say them.

import { describe, expect, it } from 'vitest';
import type { Trouble } from '../common/trouble.ts';
import { consulFailure, refusalOf } from './refusal.ts';

function refused(status: number, message: string): Trouble {
  return { kind: 'refused', status, code: '', message };
}

describe('a refusal of Consul', () => {
  it.each([
    [
      500,
      "Invalid Service Meta for node a and serviceID b: Couldn't load metadata pair",
      'invalid',
    ],
    [500, 'Must provide node', 'invalid'],
    [500, "Unknown service ID 'x' for check ID 'y'", 'invalid'],
    [500, 'No cluster leader', 'server-error'],
    [500, 'No path to datacenter', 'server-error'],
    [500, 'rpc error making call: Permission denied: token lacks permission', 'rights'],
    [500, 'rpc error making call: EOF', 'server-error'],
    [500, 'something that nobody has ever said', 'server-error'],
    [403, 'ACL not found', 'rights'],
    [403, "Permission denied: token with AccessorID 'x' lacks permission 'node:write'", 'rights'],
    [413, 'Transaction contains too many operations (129 > 128)', 'too-large'],
    [429, 'Too Many Requests', 'server-error'],
    [400, 'Request decode failed', 'invalid'],
    [404, 'not found', 'server-error'],
  ])('%i %s is %s', (status, message, code) => {
    const { failure } = consulFailure(refused(status, message), 'register x');
    expect(failure.code).toBe(code);
    expect(failure.retry).toBe(!['invalid', 'too-large'].includes(code));
    expect(failure.detail).toContain('register x');
  });

  it('of a transaction is stale where somebody else was first, and otherwise what it says', () => {
    const stale = 'failed to set service "web/1" on node "syncer-a", index is stale';
    expect(refusalOf(stale, 'x')).toEqual({ kind: 'stale' });
    expect(refusalOf('Permission denied', 'x')).toMatchObject({
      failed: { failure: { code: 'rights' } },
    });
    expect(refusalOf('Missing node registration', 'x')).toMatchObject({
      failed: { failure: { code: 'server-error', retry: true } },
    });
  });

  it('is cut where it repeats what was sent', () => {
    const { failure } = consulFailure(refused(500, `Invalid: ${'x'.repeat(9_000)}`), 'register x');
    expect(failure.detail.length).toBeLessThan(400);
  });
});
