// Two real servers on loopback: what one exports the other holds.

import { describe, expect, it } from 'vitest';
import { poll } from '../support/poll.ts';
import { fill, isEqual, newState, payload, startSite } from './models/site.ts';

const limitMs = 30_000;
const truly = (condition: boolean): true | undefined => (condition ? true : undefined);

describe('pull', () => {
  it('brings 10,000 records, then changes and removals, and proves equality', async () => {
    const here = newState('here');
    const there = newState('there');
    fill(there.source, 10_000);
    await using a = await startSite(here);
    await using b = await startSite(there);
    a.replication.connect({ cluster: 'there', addresses: [b.address], tls: false });
    const sink = a.sink('there');
    await poll(() => truly(sink.snapshotsEnded === 1), limitMs);
    expect(isEqual(there.source, sink)).toBe(true);
    there.source.put('instance', 'i/a/new', payload('new'));
    there.source.remove('i/a/17');
    await poll(() => truly(isEqual(there.source, sink)), limitMs);
    expect(sink.removed.map(({ key, proof }) => ({ key, proof }))).toEqual([
      { key: 'i/a/17', proof: 'tombstone' },
    ]);
    expect(sink.absent).toEqual([]);
    await poll(() => truly(sink.provenEqual), limitMs);
    await poll(() => truly(sink.beats.at(-1)?.clockOffsetMs !== undefined), limitMs);
    expect(Math.abs(sink.beats.at(-1)!.clockOffsetMs!)).toBeLessThan(1_000);
    expect(sink.state).toBe('connected');
    expect(sink.snapshotsBegun).toBe(1);
  });

  it('goes on without a snapshot after a restart of either side', async () => {
    const here = newState('here');
    const there = newState('there');
    fill(there.source, 1_000);
    const a1 = await startSite(here);
    const b1 = await startSite(there);
    a1.replication.connect({ cluster: 'there', addresses: [b1.address], tls: false });
    const sink = a1.sink('there');
    await poll(() => truly(sink.snapshotsEnded === 1), limitMs);
    await a1.replication.stop(false);
    there.source.put('instance', 'i/a/while-away', payload('1'));
    await using a2 = await startSite(here);
    a2.replication.connect({ cluster: 'there', addresses: [b1.address], tls: false });
    await poll(() => truly(isEqual(there.source, sink)), limitMs);
    await b1.replication.stop(false);
    there.source.remove('i/a/5');
    await using b2 = await startSite(there, { listen: { host: '127.0.0.1', port: b1.port } });
    await poll(() => truly(isEqual(there.source, sink)), limitMs);
    expect(b2.port).toBe(b1.port);
    expect(sink.snapshotsBegun).toBe(1);
  });
});
