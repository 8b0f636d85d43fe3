// Our engine: members in processes of their own, one or several in each, watched through the
// events that they report with the time at which they happened.

import { performance } from 'node:perf_hooks';
import type { PoolSettings } from '../../../daemon/gossip/pool.ts';
import { MemberProcess, type SeenEvent } from '../../support/member-process.ts';
import { poll } from '../../support/poll.ts';
import { eventPatienceMs, limitMs, placeOf, portOf, type Places, type Side } from './side.ts';

interface Member {
  readonly node: string;
  readonly process: MemberProcess;
  readonly address: string;
}

/** Starts `count` members, `perProcess` in each process; the last one is alone in its own. */
export async function startOurSide(
  count: number,
  perProcess: number,
  places: Places,
): Promise<Side> {
  const members: Member[] = [];
  const processes: { process: MemberProcess; members: number }[] = [];
  for (let index = 0; index < count; index += 1) {
    const host = placeOf(places, index);
    let entry = processes.at(-1);
    // Members of one process stand in one place.
    if (entry === undefined || entry.members >= perProcess || index === count - 1) {
      const wrap = host === undefined ? undefined : host.wrap.bind(host);
      entry = { process: new MemberProcess(wrap), members: 0 };
      processes.push(entry);
    }
    entry.members += 1;
    const bind =
      host === undefined
        ? { host: '127.0.0.1', port: 0 }
        : { host: host.address, port: portOf(index) };
    const node = `m${index}`;
    members.push({
      node,
      process: entry.process,
      address: await entry.process.start(settings(node, bind)),
    });
  }
  const [first] = members;
  if (first === undefined) throw new RangeError('a pool has members');
  /** When each member had its first event that fits; `Infinity`: has none. */
  const firstOfEach = (
    of: readonly Member[],
    fits: (seen: SeenEvent) => boolean,
  ): readonly number[] =>
    of.map(
      ({ node, process }) =>
        process.events.find((seen) => seen.node === node && fits(seen))?.atMs ?? Infinity,
    );
  /** The same, once all have one; what is there after `patienceMs` otherwise. */
  const untilAll = async (
    of: readonly Member[],
    fits: (seen: SeenEvent) => boolean,
    patienceMs: number,
  ): Promise<readonly number[]> => {
    const all = (): true | undefined =>
      firstOfEach(of, fits).every(Number.isFinite) ? true : undefined;
    await poll(all, patienceMs, 5).catch(() => undefined);
    return firstOfEach(of, fits);
  };

  return {
    processes: processes.map(({ process, members: held }) => ({ pid: process.pid, members: held })),
    async formMs() {
      // As with the agent: from the first dial, without the way of the request to the process.
      const joins = await Promise.all(
        members.slice(1).map(({ node, process }) => process.join(node, [first.address])),
      );
      const begunMs = Math.min(...joins.map((join) => join.begunMs));
      const known = new Map<string, { names: Set<string>; atMs: number }>();
      await poll(
        () => {
          for (const { node, process } of members) {
            const names = new Set<string>();
            let atMs = NaN;
            for (const seen of process.events) {
              if (seen.node !== node || seen.event.type !== 'member-joined') continue;
              names.add(seen.event.member.name);
              if (names.size === count && Number.isNaN(atMs)) atMs = seen.atMs;
            }
            known.set(node, { names, atMs });
          }
          return [...known.values()].every(({ names }) => names.size === count) || undefined;
        },
        limitMs,
        20,
      );
      return Math.max(...[...known.values()].map(({ atMs }) => atMs)) - begunMs;
    },
    async event(name) {
      await first.process.ask({ op: 'event', node: first.node, name, payload: 'payload' });
      const isIt = ({ event }: SeenEvent): boolean =>
        event.type === 'user-event' && event.event.name === name;
      const times = await untilAll(members.slice(1), isIt, eventPatienceMs);
      const [sentMs = NaN] = firstOfEach([first], isIt);
      return times.map((atMs) => atMs - sentMs);
    },
    async detectMs() {
      const victim = members.pop();
      const killedMs = wallMs();
      await victim?.process.kill();
      const times = await untilAll(
        members,
        ({ event }) => event.type === 'member-failed' && event.member.name === victim?.node,
        limitMs,
      );
      if (!times.every(Number.isFinite)) throw new Error('a death was not known to all in time');
      return Math.max(...times) - killedMs;
    },
    failures: () =>
      processes.reduce(
        (sum, { process }) =>
          sum + process.events.filter(({ event }) => event.type === 'member-failed').length,
        0,
      ),
    async stop() {
      await Promise.all(processes.map(({ process }) => process.kill()));
    },
  };
}

/** The clock that the processes stamp their events with. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

function settings(node: string, bind: PoolSettings['bind']): PoolSettings {
  return {
    node,
    bind,
    tags: {},
    profile: 'lan',
    keys: [],
    keyringFile: undefined,
    snapshotFile: undefined,
    rejoinAfterLeave: false,
  };
}
