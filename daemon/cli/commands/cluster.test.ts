// `syncer cluster` against a real socket: what it prints, its exit codes, what it asks of the daemon.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import { controlAddress } from '../../../proto/control/address.ts';
import type { ClusterOperations, ClusterView, ReplicaRow } from '../../cluster/operations.ts';
import { fixtureBackend, type FixtureBackend } from '../../control/backend.fixture.ts';
import { viewState } from '../../control/state-view.ts';
import { startControlServer, type ControlServer } from '../../control/server.ts';
import { systemClock } from '../../support/clock.ts';
import { runCli } from '../run-cli.ts';
import { displayWidth } from '../width.ts';

let directory: string;
let backend: FixtureBackend;
let server: ControlServer;
let view: ClusterView;
let refusal: SyncerError | undefined;

const row = (more: Partial<ReplicaRow>): ReplicaRow => ({
  ...{ node: 'syncer011', address: '10.0.0.10:30191', status: 'alive' },
  ...{ self: false, leads: false, etcd: 'started' },
  ...more,
});

const healthy: ClusterView = {
  leader: { node: 'syncer011', epoch: 7, lease: 'l', createdRevision: 3 },
  replicas: [
    row({ leads: true, self: true }),
    row({ node: 'syncer012', address: '10.0.0.10:30291' }),
    row({ node: 'syncer013', address: '', status: 'absent' }),
  ],
  etcd: { state: 'answering', detail: '', version: '3.4.23', members: 3, bytes: 20_480 },
  mapping: { state: 'following', detail: '', revision: 12, waiting: 0, unreadable: [] },
  trouble: undefined,
  leaderlessMs: undefined,
};

const operations: ClusterOperations = {
  view: () => view,
  async transferLeader() {
    if (refusal !== undefined) throw refusal;
    return { from: 'syncer011', to: 'syncer012' };
  },
  async remove(node, rejoin) {
    if (refusal !== undefined) throw refusal;
    backend.orders.push(`remove ${node} ${rejoin ? 'and rejoin' : 'for good'}`);
  },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'syncer-cluster-cli-'));
  backend = fixtureBackend(directory);
  server = await startControlServer(controlAddress(directory), backend);
});
beforeEach(() => {
  backend.replicas = operations;
  backend.orders.length = 0;
  view = healthy;
  refusal = undefined;
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

async function run(...argv: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const code = await runCli(argv, {
    out: (text) => (out += text),
    error: (text) => (error += text),
    environment: { SYNCER_DATA_DIR: directory, LANG: 'C' },
    isTerminal: false,
    columns: 80,
    clock: systemClock,
    interrupt: new AbortController().signal,
  });
  return { code, out, error };
}

describe('syncer cluster', () => {
  it.each(['en', 'zh-CN'])(
    'shows who leads and how each replica is, within 80 columns, %s',
    async (lang) => {
      const { code, out } = await run('cluster', 'status', '--lang', lang);
      expect(code).toBe(exitCodes.ok);
      for (const word of ['syncer011', 'syncer012', 'syncer013', '3.4.23', '7']) {
        expect(out).toContain(word);
      }
      for (const line of out.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    },
  );

  it('fails when nobody leads, and says what is missing', async () => {
    view = {
      leader: undefined,
      replicas: [row({ self: true, etcd: 'none' })],
      etcd: { state: 'forming', detail: 'waits for two', version: '', members: 0, bytes: 0 },
      mapping: { state: 'apart', detail: '', revision: 0, waiting: 0, unreadable: [] },
      trouble: undefined,
      leaderlessMs: undefined,
    };
    const { code, out } = await run('cluster');
    expect(code).toBe(exitCodes.failure);
    expect(out).toContain('Nobody leads beijing');
    expect(out).toContain('waits for two');
    expect(JSON.parse((await run('cluster', '--json')).out)).not.toHaveProperty('leader');
  });

  it('says why nobody leads, in both languages, and so does the state', async () => {
    const reason = { type: 'quorum', answering: 1, members: 3 } as const;
    view = {
      ...healthy,
      leader: undefined,
      trouble: { code: 'no-leader', reason },
      leaderlessMs: 60_000,
    };
    const words = 'No replica of beijing leads: no quorum of etcd: 1 of 3 members answers.';
    const { code, out } = await run('cluster');
    expect(code).toBe(exitCodes.failure);
    expect(out.replaceAll(/\s+/g, ' ')).toContain(words);
    expect(JSON.parse((await run('cluster', '--json')).out)).toMatchObject({ trouble: words });
    expect((await run('cluster', '--lang', 'zh-CN')).out).toContain('3 个成员中有 1 个应答');
    expect((await run('status')).out.replaceAll(/\s+/g, ' ')).toContain(words);
    const state = viewState(backend);
    expect(state.summary?.overall).toBe('degraded');
    expect(state.summary?.conditions.map(({ code: one }) => one)).toContain('no-leader');
  });

  it('says that two members cannot lose one, and which mappings are unreadable', async () => {
    view = {
      ...healthy,
      etcd: { ...healthy.etcd, members: 2 },
      mapping: { ...healthy.mapping, unreadable: ['/servicecenter-syncer/v1/mappings/x'] },
    };
    const { out } = await run('cluster', 'status');
    expect(out).toContain('With 2 members of etcd the loss of one leaves no leader');
    expect(out).toContain('1 mapping in etcd is unreadable');
  });

  it('gives the whole state to scripts', async () => {
    const { out } = await run('cluster', 'status', '--json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ mode: 'cluster', cluster: 'beijing', leader: 'syncer011', epoch: 7 },
      replicas: [{ node: 'syncer011', leads: true, self: true }, {}, { status: 'absent' }],
      etcd: { state: 'answering', members: 3 },
      mapping: { state: 'following', waiting: 0 },
    });
  });

  it('hands the lead over, and takes replicas out', async () => {
    expect((await run('cluster', 'transfer-leader')).out).toContain('syncer012 leads now');
    expect((await run('cluster', 'replace', 'syncer013')).code).toBe(exitCodes.ok);
    expect((await run('cluster', 'forget', 'syncer013', '--json')).out).toContain('syncer013');
    expect(backend.orders).toEqual(['remove syncer013 and rejoin', 'remove syncer013 for good']);
  });

  it('says why not', async () => {
    refusal = new SyncerError('cluster.still-alive', { node: 'syncer012' });
    const refused = await run('cluster', 'forget', 'syncer012');
    expect(refused.code).toBe(exitCodes.failure);
    expect(refused.error).toContain('syncer012 still runs');
    expect((await run('cluster', 'forget')).code).toBe(exitCodes.usage);
    backend.replicas = undefined;
    expect((await run('cluster', 'status')).out).toContain('mode single');
    const alone = await run('cluster', 'transfer-leader');
    expect(alone.code).toBe(exitCodes.failure);
    expect(alone.error).toContain('--mode cluster');
  });
});
