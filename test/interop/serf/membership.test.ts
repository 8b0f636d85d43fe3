// One pool of real serf agents and of ours: join, tags, leave, failure, rejoin, force-leave.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poll } from '../../support/poll.ts';
import { serfUnavailable, type SerfAgent } from '../../support/serf-agent.ts';
import {
  agentSees,
  detectionMs,
  directory,
  settingsOf,
  spreadMs,
  startAgent,
  startOurs,
  startProcess,
  startSix,
  weSee,
  type Ours,
} from './pool-of-six.ts';

const missing = serfUnavailable();

/** Waits until a snapshot has a line. */
async function snapshotHas(file: string, line: string): Promise<void> {
  await poll(
    async () => ((await readFile(file, 'utf8')).includes(`${line}\n`) ? true : undefined),
    spreadMs,
  );
}

describe.skipIf(missing !== undefined)(
  `a pool with serf agents${missing ? `: ${missing}` : ''}`,
  () => {
    it('is joined from both sides, with all tags known to all', async () => {
      const { agents, ours } = await startSix();
      for (const agent of agents) {
        const seen = (await agent.members()).find(({ name }) => name === 'ours-2');
        expect(seen?.tags).toEqual({ 'syncer-cluster-name': 'cluster of ours-2' });
        expect(seen?.addr).toBe(ours[1]?.address);
      }
      for (const { pool } of ours) {
        const seen = pool.members().find(({ name }) => name === 'serf-3');
        expect(seen?.tags).toEqual({ side: 'go' });
        expect(`${seen?.address}:${seen?.port}`).toBe(agents[2]?.address);
      }
    });

    it('learns new tags of both sides', async () => {
      const agent = await startAgent('serf-1');
      const ours = await startOurs('ours-1');
      await ours.pool.join([agent.address]);
      await ours.pool.setTags({ role: 'ümlaut', empty: '' });
      await poll(async () => {
        const tags = (await agent.members()).find(({ name }) => name === 'ours-1')?.tags;
        return tags?.role === 'ümlaut' && tags.empty === '' ? true : undefined;
      }, spreadMs);
      await agent.run('tags', '-set', 'a=b');
      await poll(
        () => (ours.pool.members().some(({ tags }) => tags.a === 'b') ? true : undefined),
        spreadMs,
      );
      await expect(ours.pool.setTags({ big: 'x'.repeat(600) })).rejects.toThrow(/512/);
    });

    it('sees a graceful leave of either side as left', async () => {
      const { agents, ours } = await startSix();
      const [goer, agent] = agents as [SerfAgent, SerfAgent];
      const [leaver, stayer] = ours as [Ours, Ours];
      await leaver.pool.leave();
      await agentSees(agent, { 'ours-1': 'left' });
      await weSee(stayer, { 'ours-1': 'left' });
      await goer.leave();
      await agentSees(agent, { 'serf-1': 'left' });
      await weSee(stayer, { 'serf-1': 'left', 'ours-1': 'left', 'serf-2': 'alive' });
    });

    it('notices a killed member of either side, and takes it back when it rejoins', async () => {
      const agent = await startAgent('serf-1');
      const ours = await startOurs('ours-1');
      const victim = startProcess();
      const victimAddress = await victim.start(settingsOf('victim'));
      const goVictim = await startAgent('serf-victim');
      await ours.pool.join([agent.address]);
      await victim.join('victim', [ours.address]);
      await goVictim.run('join', ours.address);
      const all = { victim: 'alive', 'serf-victim': 'alive' } as const;
      await Promise.all([agentSees(agent, all), weSee(ours, all)]);

      await Promise.all([victim.kill(), goVictim.kill()]);
      const dead = { victim: 'failed', 'serf-victim': 'failed' } as const;
      await Promise.all([agentSees(agent, dead, detectionMs), weSee(ours, dead, detectionMs)]);

      const again = startProcess();
      const port = Number(victimAddress.split(':')[1]);
      await again.start(settingsOf('victim', { bind: { host: '127.0.0.1', port } }));
      await again.join('victim', [agent.address]);
      await startAgent('serf-victim', {
        port: Number(goVictim.address.split(':')[1]),
        join: [ours.address],
      });
      await Promise.all([agentSees(agent, all), weSee(ours, all)]);
    });

    it('is found again from the snapshot after kill -9', async () => {
      const snapshotFile = join(await directory(), 'pool.snapshot');
      const agent = await startAgent('serf-1');
      const first = startProcess();
      const settings = settingsOf('ours-1', { snapshotFile });
      const address = await first.start(settings);
      await first.join('ours-1', [agent.address]);
      await agentSees(agent, { 'ours-1': 'alive' });
      await snapshotHas(snapshotFile, `alive: serf-1 ${agent.address}`);
      await first.kill();
      const second = startProcess();
      const port = Number(address.split(':')[1]);
      await second.start({ ...settings, bind: { host: '127.0.0.1', port } });
      await poll(
        async () => ((await second.members('ours-1')).length === 2 ? true : undefined),
        spreadMs,
      );
      await agentSees(agent, { 'ours-1': 'alive' });
    });

    it('is found again by an agent from its own snapshot after kill -9', async () => {
      const snapshotFile = join(await directory(), 'serf.snapshot');
      const ours = await startOurs('ours-1');
      const first = await startAgent('serf-1', { snapshotFile, join: [ours.address] });
      await weSee(ours, { 'serf-1': 'alive' });
      // serf writes what it has gathered when the next line comes half a second later.
      let events = 0;
      await poll(async () => {
        await first.run('event', `news-${++events}`);
        const text = await readFile(snapshotFile, 'utf8');
        return text.includes(`alive: ours-1 ${ours.address}`) ? true : undefined;
      }, spreadMs);
      await first.kill();
      await weSee(ours, { 'serf-1': 'failed' }, detectionMs);
      const port = Number(first.address.split(':')[1]);
      const second = await startAgent('serf-1', { snapshotFile, port });
      await agentSees(second, { 'ours-1': 'alive' });
      await weSee(ours, { 'serf-1': 'alive' });
    });

    it('reads a snapshot that the agent wrote', async () => {
      const snapshotFile = join(await directory(), 'serf.snapshot');
      const agent = await startAgent('serf-1');
      const shortLived = await startAgent('serf-2', { snapshotFile, join: [agent.address] });
      await agentSees(agent, { 'serf-2': 'alive' });
      await shortLived.terminate();
      await snapshotHas(snapshotFile, `alive: serf-1 ${agent.address}`);
      // Nobody knows this name at its port: whoever is found was found in the snapshot.
      const ours = await startOurs('ours-1', { snapshotFile });
      await weSee(ours, { 'serf-1': 'alive' });
    });

    it('makes a failed member left by force, and forgets it with prune', async () => {
      const agent = await startAgent('serf-1');
      const ours = await startOurs('ours-1');
      const victim = startProcess();
      for (const node of ['one', 'two']) await victim.start(settingsOf(node));
      await ours.pool.join([agent.address]);
      for (const node of ['one', 'two']) await victim.join(node, [ours.address]);
      await agentSees(agent, { one: 'alive', two: 'alive' });
      await victim.kill();
      const dead = { one: 'failed', two: 'failed' } as const;
      await Promise.all([agentSees(agent, dead, detectionMs), weSee(ours, dead, detectionMs)]);
      await ours.pool.forceLeave('one', false);
      await agentSees(agent, { one: 'left' });
      expect(ours.statusOf('one')).toBe('left');
      await agent.run('force-leave', '-prune', 'two');
      await poll(() => (ours.statusOf('two') === undefined ? true : undefined), spreadMs);
      await ours.pool.forceLeave('one', true);
      await poll(
        async () => ((await agent.statusOf('one')) === undefined ? true : undefined),
        spreadMs,
      );
      await expect(ours.pool.forceLeave('nobody', false)).rejects.toThrow(/no member is named/);
    });

    it('gives round trips that `serf rtt` agrees with', async () => {
      const agent = await startAgent('serf-1');
      const one = await startOurs('ours-1');
      const two = await startOurs('ours-2');
      await one.pool.join([agent.address]);
      await two.pool.join([agent.address]);
      const printed = await poll(async () => {
        const output = await agent.run('rtt', 'ours-1', 'ours-2');
        const ms = Number(/rtt: ([\d.]+) ms/.exec(output)?.[1]);
        return ms < 500 ? ms : undefined;
      }, spreadMs);
      expect(printed).toBeGreaterThan(0);
      // Loopback: both estimates are milliseconds, not seconds, once a stall of the machine during
      // the first probes has been averaged away.
      await poll(() => {
        const own = one.pool.members().find(({ name }) => name === 'ours-2')?.roundTripMs;
        return own !== undefined && own > 0 && own < 500 ? own : undefined;
      }, spreadMs);
    });
  },
);
