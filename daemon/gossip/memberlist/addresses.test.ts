// Where members are and what they say of it: IPv6, an advertised address that is not the bound one,
// names with several addresses; and the profiles' numbers.

import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { seededRandom, systemRandom } from '../../support/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork } from '../transport/memory-transport.ts';
import { noLoopbackV6 } from '../transport/loopback-v6.ts';
import { netTransport } from '../transport/net-transport.ts';
import { memberlistConfig, type MemberlistConfig } from './config.ts';
import { Memberlist } from './memberlist.ts';
import { formatAddress, hostOf } from './node.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A member on real sockets; gives it and the address that it advertises. */
async function startLive(
  name: string,
  bind: MemberlistConfig['bind'],
  changes: Partial<MemberlistConfig> = {},
): Promise<{ readonly member: Memberlist; readonly address: string }> {
  const member = new Memberlist({
    config: memberlistConfig('lan', { name, bind, ...changes }),
    openTransport: netTransport(systemClock),
    clock: systemClock,
    random: systemRandom,
  });
  closing.push(() => member.shutdown());
  return { member, address: formatAddress(await member.start()) };
}

const hostsSeen = (member: Memberlist): Record<string, string> =>
  Object.fromEntries(member.members().map(({ name, addr }) => [name, hostOf(addr)]));

describe('addresses', () => {
  it('of IPv6 are joined, advertised in 16 bytes and probed', async ({ skip }) => {
    const missing = noLoopbackV6();
    skip(missing !== '', missing);
    const one = await startLive('one', { host: '::1', port: 0 });
    const two = await startLive('two', { host: '::1', port: 0 });
    expect(one.address).toMatch(/^\[::1\]:\d+$/);
    expect(await two.member.join([one.address])).toEqual({ joined: 1, failures: [] });
    expect(hostsSeen(two.member)).toEqual({ one: '::1', two: '::1' });
    expect(two.member.localNode().addr).toHaveLength(16);
    for (let tries = 0; (two.member.stats().datagramsReceived ?? 0) === 0; tries += 1) {
      expect(tries, 'a datagram over IPv6 within 20 s').toBeLessThan(1000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('that are advertised may differ from the bound one', async () => {
    const one = await startLive(
      'one',
      { host: '0.0.0.0', port: 0 },
      { advertise: { host: '127.0.0.1', port: 0 } },
    );
    const two = await startLive('two', { host: '127.0.0.1', port: 0 });
    expect(one.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(await one.member.join([two.address])).toMatchObject({ joined: 1 });
    // The server's side merges after it has answered.
    for (let tries = 0; hostsSeen(two.member).one === undefined && tries < 1000; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(hostsSeen(two.member)).toEqual({ one: '127.0.0.1', two: '127.0.0.1' });
  });

  it('of a name are all tried, and each that answers counts', async () => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock, seededRandom(1));
    const start = async (name: string, host: string): Promise<Memberlist> => {
      const member = new Memberlist({
        config: memberlistConfig('lan', { name, bind: { host, port: 7946 } }),
        openTransport: network.transport(clock),
        clock,
        random: seededRandom(2),
      });
      closing.push(() => member.shutdown());
      await member.start();
      return member;
    };
    await start('one', '10.0.0.1');
    await start('two', '10.0.0.2');
    const joiner = await start('three', '10.0.0.3');
    network.names.set('pool.example', ['10.0.0.1', '10.0.0.2', '10.0.0.9', '10.0.0.3']);
    const joining = joiner.join(['pool.example:7946']);
    await clock.advanceAsync(1000);
    expect(await joining).toMatchObject({
      joined: 2,
      failures: [{ address: 'pool.example:7946', reason: 'unreachable' }],
    });
    expect(Object.keys(hostsSeen(joiner)).sort()).toEqual(['one', 'three', 'two']);
  });
});

describe('profiles', () => {
  /** serf-wire.md §7: memberlist's DefaultLANConfig, DefaultWANConfig, DefaultLocalConfig. */
  it.each([
    ['lan', [10_000, 3, 4, 4, 30_000, 1000, 500, 200, 3, 30_000]],
    ['wan', [30_000, 3, 4, 6, 60_000, 5000, 3000, 500, 4, 60_000]],
    ['local', [1000, 1, 2, 3, 15_000, 1000, 200, 100, 3, 15_000]],
  ] as const)('%s has the numbers of memberlist', (profile, numbers) => {
    const config = memberlistConfig(profile, { name: 'a', bind: { host: '::1', port: 0 } });
    expect([
      config.tcpTimeoutMs,
      config.indirectChecks,
      config.retransmitMult,
      config.suspicionMult,
      config.pushPullIntervalMs,
      config.probeIntervalMs,
      config.probeTimeoutMs,
      config.gossipIntervalMs,
      config.gossipNodes,
      config.gossipToTheDeadTimeMs,
    ]).toEqual(numbers);
  });
});
