// Whatever arrives, a member goes on. TEST_FUZZ_RUNS sets the number of inputs.

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { memberlistConfig } from '../memberlist/config.ts';
import type { Delegate } from '../memberlist/delegate.ts';
import { Memberlist } from '../memberlist/memberlist.ts';
import type { PoolEvent } from '../pool.ts';
import { MemoryNetwork } from '../transport/memory-transport.ts';
import {
  joinIntent,
  leaveIntent,
  pushPull,
  query,
  queryResponse,
  relayHeader,
  userEvent,
} from './messages.ts';
import { Serf } from './serf.ts';

const runs = Number(process.env.TEST_FUZZ_RUNS ?? 2000);
const options = { timeout: 30_000 + 2 * runs };

let serf: Serf;
let delegate: Delegate;
let events: PoolEvent[];
let network: MemoryNetwork;
let clock: VirtualClock;

beforeEach(async () => {
  clock = new VirtualClock();
  const random = seededRandom(1);
  network = new MemoryNetwork(clock, random);
  events = [];
  serf = new Serf({
    tags: {},
    memberlist: memberlistConfig('lan', { name: 'me', bind: { host: '10.0.0.1', port: 7946 } }),
    createMemberlist: (options) => {
      if (options.delegate !== undefined) delegate = options.delegate;
      return new Memberlist(options);
    },
    openTransport: network.transport(clock),
    clock,
    random,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
  });
  await serf.start();
  events.length = 0;
});
afterEach(() => serf.shutdown());

const name = fc.oneof(fc.constantFrom('me', 'a', 'b'), fc.string());
const lTime = fc.oneof(fc.nat(1000), fc.constantFrom(2 ** 33, Number.MAX_SAFE_INTEGER));
const payload = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined });
const addr = fc.uint8Array({ minLength: 0, maxLength: 16 });
const port = fc.nat(65_535);

const wellFormed = fc.oneof(
  fc.record({ lTime, node: name, prune: fc.boolean() }).map((value) => leaveIntent.encode(value)),
  fc.record({ lTime, node: name }).map((value) => joinIntent.encode(value)),
  fc.record({ lTime, name, payload, cc: fc.boolean() }).map((value) => userEvent.encode(value)),
  fc
    .record({
      lTime,
      id: fc.nat(),
      addr,
      port,
      filters: fc.option(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), {
        nil: undefined,
      }),
      flags: fc.nat(3),
      relayFactor: fc.nat(255),
      timeoutNs: fc.integer(),
      name: fc.oneof(
        fc.constantFrom('_serf_conflict', '_serf_install-key', '_serf_list-keys'),
        name,
      ),
      payload,
    })
    .map((value) => query.encode(value)),
  fc
    .record({ lTime, id: fc.nat(), from: name, flags: fc.nat(3), payload })
    .map((value) => queryResponse.encode(value)),
  fc
    .record({ ip: addr, port: fc.nat(70_000), zone: fc.string() })
    .map((destAddr) => relayHeader.encode({ destAddr })),
);

/** Bytes of a real message with some of them changed or cut off. */
const damaged = fc
  .tuple(wellFormed, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(400))
  .map(([bytes, changes, length]) => {
    const copy = Uint8Array.from(bytes).subarray(0, length);
    for (const [index, value] of changes) if (copy.length > 0) copy[index % copy.length] = value;
    return copy;
  });

const anything = fc.oneof(wellFormed, damaged, fc.uint8Array({ maxLength: 300 }));

describe(`a member that is told anything (${runs} inputs)`, options, () => {
  it('goes on, bounded, and never gives itself up', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        delegate.notifyMessage(bytes);
      }),
      { numRuns: runs },
    );
    const stats = serf.stats();
    expect(serf.members().map((member) => [member.name, member.status])).toEqual([['me', 'alive']]);
    expect(stats.intents_waiting).toBeLessThanOrEqual(4096);
    // One forged message is worth a jump of 2^32 at most, however many come.
    expect(stats.member_time).toBeLessThan(2 ** 32 * (runs + 1));
    expect(stats.serf_messages_garbage).toBeGreaterThan(0);
  });

  it('takes any state of a push/pull', () => {
    const state = fc
      .record({
        lTime,
        statusLTimes: fc.array(fc.tuple(name, lTime)).map((entries) => new Map(entries)),
        leftMembers: fc.array(name),
        eventLTime: lTime,
        events: fc.array(
          fc.option(
            fc.record({ lTime, events: fc.array(fc.record({ name, payload }), { maxLength: 3 }) }),
            { nil: undefined },
          ),
          { maxLength: 20 },
        ),
        queryLTime: lTime,
      })
      .map((value) => pushPull.encode(value));
    fc.assert(
      fc.property(fc.oneof(state, fc.uint8Array()), fc.boolean(), (bytes, join) => {
        delegate.mergeRemoteState(bytes, join);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
    // Events are remembered within 4 MiB; the rest is about the few members.
    expect(delegate.localState(false).length).toBeLessThan(5 * 1024 * 1024);
    const delivered = events.flatMap((event) =>
      event.type === 'user-event'
        ? [
            `${event.event.lamportTime} ${event.event.name} ${Buffer.from(event.event.payload).toString('hex')}`,
          ]
        : [],
    );
    expect(new Set(delivered).size).toBe(delivered.length);
  });

  it('is no reflector: forged queries get few answers, relays to strangers none', () => {
    const before = network.datagrams;
    for (let id = 0; id < 1000; id += 1) {
      const forged = {
        lTime: 5,
        id,
        addr: Uint8Array.of(10, 9, 9, 9),
        port: 53,
        filters: undefined,
        flags: 1,
        relayFactor: 0,
        timeoutNs: 1e9,
        name: 'x',
        payload: undefined,
      };
      delegate.notifyMessage(query.encode(forged));
      const header = relayHeader.encode({ destAddr: { ip: forged.addr, port: 53, zone: '' } });
      const inner = queryResponse.encode({ lTime: 1, id, from: 'a', flags: 0, payload: undefined });
      delegate.notifyMessage(Buffer.concat([header, inner]));
    }
    expect(network.datagrams - before).toBe(20);
    expect(serf.stats()).toMatchObject({
      relays_refused: 1000,
      queries_from_strangers_dropped: 980,
    });
  });
});
