// Encrypted pools of real serf agents and ours: keys changed from either side, and wrong keys.

import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeyOperation, KeyOutcome } from '../../../daemon/gossip/pool.ts';
import { poll } from '../../support/poll.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import {
  agentSees,
  directory,
  spreadMs,
  startAgent,
  startOurs,
  weSee,
  type Ours,
} from './pool-of-six.ts';

const missing = serfUnavailable();
const newKey = (bytes: number): string => randomBytes(bytes).toString('base64');

/** A key operation, again until all four have answered: a datagram of a query may be lost. */
async function answeredByAll(
  { pool }: Ours,
  operation: KeyOperation,
  key: string | undefined,
): Promise<KeyOutcome> {
  return poll(async () => {
    const outcome = await pool.keys(operation, key);
    expect(outcome.errors).toEqual({});
    return outcome.asked === 4 && outcome.answered === 4 ? outcome : undefined;
  }, spreadMs);
}

async function keyring(...keys: string[]): Promise<string> {
  const file = join(await directory(), 'keyring.json');
  await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
  return file;
}

describe.skipIf(missing !== undefined)(`encrypted pools${missing ? `: ${missing}` : ''}`, () => {
  it('change their key under load, from our side and from the agent, and lose nobody', async () => {
    const [first, second, third] = [newKey(16), newKey(32), newKey(24)] as const;
    const agents = await Promise.all(
      ['serf-1', 'serf-2'].map(async (node) =>
        startAgent(node, { keyringFile: await keyring(first) }),
      ),
    );
    const files = [join(await directory(), 'ring'), join(await directory(), 'ring')];
    const ours: Ours[] = [];
    for (const [index, keyringFile] of files.entries()) {
      ours.push(await startOurs(`ours-${index + 1}`, { keys: [first], keyringFile }));
    }
    const [one] = ours as [Ours];
    for (const { pool } of ours) await pool.join([agents[0]?.address ?? '']);
    await agents[1]?.run('join', one.address);
    const names = ['serf-1', 'serf-2', 'ours-1', 'ours-2'];
    const all = Object.fromEntries(names.map((node) => [node, 'alive' as const]));
    await Promise.all(ours.map((member) => weSee(member, all)));

    let sent = 0;
    const load = setInterval(() => {
      sent += 1;
      void one.pool.sendEvent('load', Buffer.from(String(sent)), false);
    }, 100);
    try {
      for (const [operation, key] of [
        ['install', second],
        ['use', second],
        ['remove', first],
      ] as const) {
        await answeredByAll(one, operation, key);
      }
      expect((await answeredByAll(one, 'list', undefined)).keys).toEqual({ [second]: 4 });
      const agent = agents[0];
      for (const change of [`-install=${third}`, `-use=${third}`, `-remove=${second}`]) {
        // Fails, and can be repeated, when not all have answered.
        await poll(async () => ((await agent?.run('keys', change)) ?? '') + 'done', spreadMs);
      }
      await poll(async () => {
        const printed = (await agent?.run('keys', '-list'))?.replace(/ +/g, ' ');
        return printed?.includes(`${third} [4/4]`) === true ? true : undefined;
      }, spreadMs);
      await new Promise((resolve) => setTimeout(resolve, 3000));
    } finally {
      clearInterval(load);
    }
    await poll(async () => {
      const refused = await one.pool.keys('remove', third);
      return Object.keys(refused.errors).length === names.length ? true : undefined;
    }, spreadMs);
    await Promise.all([
      ...ours.map((member) => weSee(member, all)),
      ...agents.map((agent) => agentSees(agent, all)),
    ]);
    for (const member of ours) {
      expect(member.events.filter(({ type }) => type === 'member-failed')).toEqual([]);
      await poll(
        () =>
          member.events.filter((event) => event.type === 'user-event').length === sent
            ? true
            : undefined,
        spreadMs,
      );
    }
    for (const file of files) {
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([third]);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    // A restart uses the ring on disk, not the key that it was configured with.
    await ours[1]?.pool.leave();
    const again = await startOurs('ours-3', { keys: [first], keyringFile: files[1] });
    expect((await again.pool.join([one.address])).joined).toBe(1);
  });

  it('say clearly that keys differ, on both sides', async () => {
    const agent = await startAgent('serf-1', { encrypt: newKey(16) });
    const holder = await startOurs('ours-1', { keys: [newKey(16)] });
    const wrong = await startOurs('ours-2', { keys: [newKey(16)] });
    const none = await startOurs('ours-3');
    for (const joiner of [wrong, none]) {
      for (const address of [agent.address, holder.address]) {
        const { joined, failures } = await joiner.pool.join([address]);
        expect(joined).toBe(0);
        expect(failures).toMatchObject([{ address, reason: 'key' }]);
      }
    }
    const troubles = await poll(() => {
      const found = holder.events.filter((event) => event.type === 'trouble');
      return found.length > 0 ? found : undefined;
    }, spreadMs);
    expect(troubles[0]).toMatchObject({ trouble: { code: 'key-mismatch', count: 1 } });
    // Rate-limited: a minute passes before the same source is named again.
    for (let count = 0; count < 5; count += 1) await wrong.pool.join([holder.address]);
    const lines = holder.events.filter(
      (event) => event.type === 'trouble' && event.trouble.code === 'key-mismatch',
    );
    expect(lines.length).toBeLessThanOrEqual(2);
  });
});
