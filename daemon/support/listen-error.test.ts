import { describe, expect, it } from 'vitest';
import { listenError } from './listen-error.ts';

const withCode = (code: string): Error => Object.assign(new Error('listen failed'), { code });

describe('an address that cannot be listened on', () => {
  it.each([
    ['in use', withCode('EADDRINUSE'), 'listen.in-use'],
    ['of another machine', withCode('EADDRNOTAVAIL'), 'listen.not-ours'],
    ['that takes rights', withCode('EACCES'), 'listen.permission'],
    [
      'in use, as grpc-js says it',
      new Error('No address added out of total 1 resolved errors: [listen EADDRINUSE: 1.2.3.4:5]'),
      'listen.in-use',
    ],
  ])('%s', (_, error, code) => {
    expect(listenError(error, '1.2.3.4:5', '--rpc-addr')).toMatchObject({
      code,
      parameters: { address: '1.2.3.4:5', key: '--rpc-addr' },
      cause: error,
    });
  });

  it('for another reason is left as it is', () => {
    const error = new Error('out of memory');
    expect(listenError(error, '1.2.3.4:5', '--rpc-addr')).toBe(error);
  });
});
