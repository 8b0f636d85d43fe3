import { beforeEach, describe, expect, it } from 'vitest';
import type { Instance, Service } from '../../model/service.ts';
import { silentLogger } from '../../support/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import type { RegistryChange, RegistryCondition } from '../driver.ts';
import { createSnapshotFeed, type SnapshotFeed } from './snapshot-feed.ts';

const service = { domain: 'd', project: 'p', serviceId: 's', name: 'n', properties: {} } as Service;
const leaseMs = 20_000;
const instanceOf = (id: number, hostName = ''): Instance => ({
  serviceId: 's',
  instanceId: `i${id}`,
  endpoints: [],
  hostName,
  status: 'UP',
  properties: {},
  healthCheck: { mode: 'push', port: 0, interval: 5, times: 3, url: '' },
  dataCenterInfo: undefined,
  version: '',
});
const view = (...ids: number[]) => ({
  services: [service],
  instances: ids.map((id) => instanceOf(id)),
});
const nothing = { services: [], instances: [] };

let clock: VirtualClock;
let feed: SnapshotFeed;
let changes: RegistryChange[];
let conditions: RegistryCondition[];
let again: number;

beforeEach(() => {
  clock = new VirtualClock();
  changes = [];
  conditions = [];
  again = 0;
  feed = createSnapshotFeed({
    clock,
    logger: silentLogger,
    address: () => 'here',
    ownersWaitMs: 2_000,
    again: () => (again += 1),
  });
});

function start(known?: number): void {
  feed.start(
    {
      changed: (change) => changes.push(change),
      condition: (condition) => conditions.push(condition),
    },
    known === undefined ? undefined : { known },
  );
}
/** A reading every half second for so long. */
function read(snapshot: Parameters<SnapshotFeed['seen']>[0], forMs = 0): void {
  for (let passedMs = 0; passedMs <= forMs; passedMs += 500) {
    clock.advance(500);
    feed.seen(snapshot);
  }
}
const removed = () => changes.flatMap(({ removedInstances }) => removedInstances);
const condition = (): string => {
  const last = conditions.at(-1);
  return last === undefined || last.state === 'answering' ? 'answering' : last.reason;
};

describe('a feed of whole readings', () => {
  it('tells the whole view first, then what is new or different, and equal content never again', () => {
    start(0);
    read(view(1, 2));
    read(view(1, 2));
    read({ services: [service], instances: [instanceOf(1), instanceOf(2, 'moved')] });
    expect(changes.map(({ instances }) => instances.map(({ instanceId }) => instanceId))).toEqual([
      ['i1', 'i2'],
      ['i2'],
    ]);
    expect(condition()).toBe('answering');
  });

  it('removes by a tombstone what two readings do not name, and asks for the second one', () => {
    start(0);
    read(view(1, 2, 3));
    read(view(1, 3));
    expect(removed()).toEqual([]);
    expect(again).toBe(1);
    read(view(1, 3));
    expect(removed()).toMatchObject([{ instanceId: 'i2', proof: 'tombstone' }]);
  });

  it('keeps what one reading left out and the next one names', () => {
    start(0);
    read(view(1, 2));
    read(view(1));
    read(view(1, 2), 5_000);
    expect(removed()).toEqual([]);
    expect(changes).toHaveLength(1);
  });

  it('concludes nothing from trouble, and gives owners a lease after an outage', () => {
    start(0);
    read(view(1, 2), 5_000);
    feed.failed({ reason: 'unreachable', detail: 'refused', interrupts: true });
    expect(condition()).toBe('unreachable');
    clock.advance(3_000);
    read(view(1), leaseMs - 2_000);
    expect(removed()).toEqual([]);
    expect(condition()).toBe('waiting-for-owners');
    read(view(1), 6_000);
    expect(removed()).toMatchObject([{ instanceId: 'i2', proof: 'absence' }]);
    expect(condition()).toBe('answering');
  });

  it('never believes a registry that comes up empty after an outage', () => {
    start(0);
    read(view(1, 2, 3), 5_000);
    feed.failed({ reason: 'unreachable', detail: 'refused', interrupts: true });
    read(nothing, 200_000);
    expect(removed()).toEqual([]);
    expect(condition()).toBe('suspicious-loss');
  });

  it('waits a lease where everything is gone at once, even without an outage that was seen', () => {
    start(0);
    read(view(1, 2), 5_000);
    read(nothing, leaseMs - 2_000);
    expect(removed()).toEqual([]);
    expect(condition()).toBe('suspicious-loss');
    read(nothing, 6_000);
    expect(removed().map(({ proof }) => proof)).toEqual(['absence', 'absence']);
  });

  it('holds a loss of more than half', () => {
    start(0);
    read(view(1, 2, 3, 4, 5, 6, 7, 8), 5_000);
    read(view(1, 2), 5_000);
    expect(removed()).toEqual([]);
    expect(condition()).toBe('suspicious-loss');
  });

  it('trusts an empty registry only if nothing was known of it', () => {
    start(0);
    read(nothing);
    expect(condition()).toBe('answering');
    start(7);
    read(nothing);
    expect(condition()).toBe('suspicious-loss');
  });

  it('tells nothing after it was stopped', () => {
    start(0);
    feed.stop();
    read(view(1));
    expect(changes).toEqual([]);
  });
});
