import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthTable, renderSentence, renderText, type HealthCode } from '../../proto/health.ts';
import { createTranslator } from '../../proto/translate.ts';
import type { PeerStatus, SyncStatus } from '../sync/engine.ts';
import type { ClusterTrouble } from '../cluster/trouble.ts';
import { peerStatus, poolMember, syncStatus } from '../control/backend.fixture.ts';
import { assess, type HealthInput } from './assess.ts';
import { overallOf, probes, sentence } from './summary.ts';

const english = createTranslator('en');
const chinese = createTranslator('zh-CN');
const nowMs = Date.UTC(2026, 4, 6, 7, 8, 9);

function peer(more: Partial<PeerStatus> = {}): PeerStatus {
  return peerStatus({ lastHeardMs: nowMs - 500, sinceMs: nowMs - 60_000, ...more });
}

function input(sync: Partial<SyncStatus>, more: Partial<HealthInput> = {}): HealthInput {
  return {
    nowMs,
    node: 'bj-1',
    sync: syncStatus({ peers: [peer()], ...sync }),
    members: [poolMember('bj-1', 'beijing'), poolMember('sh-1', 'shanghai')],
    join: undefined,
    view: undefined,
    troubles: [],
    ...more,
  };
}

function codes(sync: Partial<SyncStatus>, more: Partial<HealthInput> = {}): HealthCode[] {
  return assess(input(sync, more)).map(({ code }) => code);
}

function say(sync: Partial<SyncStatus>, translate = english): string {
  const facts = input(sync);
  return renderSentence(sentence(facts.sync, assess(facts), nowMs), translate, nowMs);
}

describe('conditions', () => {
  it('are none where all is measured and well', () => {
    expect(codes({})).toEqual([]);
  });

  const held = [peer({ held: 60 })];
  const unknown = { state: 'unknown', reason: 'unreachable', detail: 'ECONNREFUSED' } as const;
  it.each<[HealthCode, Partial<SyncStatus>]>([
    ['registry-unreachable', { condition: unknown }],
    ['peer-silent', { peers: [peer({ link: 'silent' })] }],
    ['peer-connecting', { peers: [peer({ link: 'connecting' })] }],
    ['peer-stale', { peers: [peer({ lastHeardMs: nowMs - 6_000 })] }],
    ['peer-left', { peers: [peer({ link: 'left' })] }],
    ['peer-origin-unknown', { peers: [peer({ originHealth: 'unknown', originReason: 'x' })] }],
    ['peer-paused', { peers: [peer({ paused: true })] }],
    ['clock-skew', { peers: [peer({ clockOffsetMs: -600_000 })] }],
    ['held-removals', { peers: held }],
    ['paused-all', { pausedAll: true }],
    ['queue-backlog', { queue: { waiting: 9, inFlight: 1, writesPerSecond: 1, etaMs: 61_000 } }],
    ['leases-late', { leases: { kept: 10, inTimeShare: 0.9899, lastRoundMs: nowMs } }],
    ['service-conflicts', { conflicts: 1 }],
    ['store-trouble', { storeTrouble: 'ENOSPC' }],
  ])('%s', (code, sync) => {
    expect(codes(sync)).toEqual([code]);
  });

  it('knows a join to an RPC port, a taken name, a failed replica and a lonely member', () => {
    const failure = { address: '10.0.0.10:30191', reason: 'rpc-port', detail: '' } as const;
    const addresses = [failure.address];
    const join = { addresses, state: 'joining', attempts: 3, failures: [failure] } as const;
    const members = [poolMember('bj-1', 'beijing')];
    expect(codes({ peers: [] }, { join, members })).toEqual(['join-rpc-port']);
    expect(codes({ peers: [] }, { members })).toEqual(['no-peers']);
    const conflict = {
      cluster: 'beijing',
      kept: 'a',
      keptMembers: ['bj-1'],
      refusedMembers: ['x'],
      own: true,
    };
    const replicas = [poolMember('bj-2', 'beijing', { status: 'failed' })];
    const view = { peers: [], conflicts: [conflict], replicas };
    expect(codes({}, { view })).toEqual(['name-taken', 'replica-failed']);
  });

  const electing = { code: 'no-leader', reason: { type: 'electing' } } as const;
  const quorum = { type: 'quorum', answering: 1, members: 3 } as const;
  const troubles: readonly (readonly [ClusterTrouble, RegExp, RegExp])[] = [
    [
      { code: 'no-leader', reason: quorum },
      /no quorum of etcd: 1 of 3 members answers\.$/,
      /3 个成员中有 1 个应答/,
    ],
    [
      { code: 'no-leader', reason: { type: 'registry', replicas: 3, all: true } },
      /the registry answers none of its replicas/,
      /注册中心对所有副本都没有应答/,
    ],
    [
      { code: 'no-leader', reason: { type: 'registry', replicas: 1, all: false } },
      /does not answer this replica/,
      /对 1 个副本没有应答/,
    ],
    [
      { code: 'no-leader', reason: { type: 'forming', replicas: 1 } },
      /takes two replicas, and 1 is/,
      /目前有 1 个/,
    ],
    [
      { code: 'no-leader', reason: { type: 'away', detail: 'refused' } },
      /\(refused\)/,
      /（refused）/,
    ],
    [
      { code: 'no-leader', reason: { type: 'foreign', detail: '/k' } },
      /something at \/k that no syncer/,
      /\/k/,
    ],
    [electing, /an election is under way/, /正在选举/],
    [{ code: 'etcd-away', leader: 'bj-2', reason: quorum }, /^bj-2 led when/, /bj-2/],
    [{ code: 'waits-for-single', single: 'bj-3' }, /^bj-3 of this cluster/, /bj-3/],
  ];
  it.each(troubles)('say of the lead: %j', (trouble, words, chineseWords) => {
    const lead = { cluster: 'beijing', trouble, leaderlessMs: 90_000 };
    const [found, ...more] = assess(input({}, { lead }));
    expect(more).toEqual([]);
    expect(found?.code).toBe(trouble.code);
    expect(renderText(found!.text, english, nowMs)).toMatch(words);
    expect(renderText(found!.text, chinese, nowMs)).toMatch(chineseWords);
    for (const part of [found!.text, found!.remedy, found!.clause!]) {
      for (const translate of [english, chinese]) {
        expect(renderText(part, translate, nowMs)).not.toMatch(/[{}]|undefined|NaN/);
      }
    }
  });

  it('say nothing of a change of the leader that is quick', () => {
    const lead = { cluster: 'beijing', trouble: electing, leaderlessMs: 900 };
    expect(codes({}, { lead })).toEqual([]);
    expect(codes({}, { lead: { ...lead, leaderlessMs: 6_000 } })).toEqual(['no-leader']);
  });

  it('have a text and a remedy without holes in both languages, the worst first', () => {
    const rank = { error: 0, warning: 1, info: 2 };
    fc.assert(
      fc.property(anyStatus, (sync) => {
        const found = assess(input(sync));
        const ranks = found.map(({ severity }) => rank[severity]);
        expect(ranks).toEqual([...ranks].sort());
        for (const { code, severity, text, remedy, clause } of found) {
          expect(severity).toBe(healthTable[code]);
          for (const part of [text, remedy, ...(clause === undefined ? [] : [clause])]) {
            for (const translate of [english, chinese]) {
              expect(renderText(part, translate, nowMs)).not.toMatch(/[{}%]\w|undefined|NaN/);
            }
          }
        }
      }),
    );
  });
});

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const anyPeer = fc
  .record({
    link: fc.constantFrom('connecting', 'connected', 'silent', 'left'),
    lastHeardMs: maybe(fc.integer({ min: nowMs - 9e8, max: nowMs })),
    originHealth: fc.constantFrom('healthy', 'unknown'),
    clockOffsetMs: maybe(fc.integer({ min: -1e6, max: 1e6 })),
    copies: fc.nat(1e5),
    pending: fc.nat(3),
    held: fc.nat(3),
    expiresAtMs: maybe(fc.integer({ min: nowMs, max: nowMs + 9e8 })),
    paused: fc.boolean(),
  })
  .map((more) => peer(more as Partial<PeerStatus>));

const anyStatus = fc.record({
  peers: fc.array(anyPeer, { maxLength: 4 }),
  pausedAll: fc.boolean(),
  conflicts: fc.nat(2),
  storeTrouble: maybe(fc.constant('ENOSPC')),
});

describe('the whole', () => {
  it('is in sync only where every peer is measured to be', () => {
    fc.assert(
      fc.property(anyStatus, (sync) => {
        const facts = input(sync);
        if (overallOf(facts.sync, assess(facts), nowMs) !== 'in-sync') return;
        for (const one of sync.peers.filter(({ link }) => link !== 'left')) {
          expect(one.link).toBe('connected');
          expect(one.lastHeardMs).toBeGreaterThanOrEqual(nowMs - 5_000);
          expect(one.originHealth).toBe('healthy');
          expect(one.pending + one.held).toBe(0);
        }
      }),
    );
  });

  it('says how well, in one sentence', () => {
    expect(say({})).toBe('In sync with 1 cluster; median delay 84 ms, worst 310 ms.');
    expect(say({}, chinese)).toBe('已与 1 个集群同步；延迟中位数 84 毫秒，最差 310 毫秒。');
  });

  it('names the silent one with its countdown', () => {
    const silent = peer({
      cluster: 'wuhan',
      link: 'silent',
      lastHeardMs: nowMs - 41_000,
      expiresAtMs: nowMs + 559_000,
    });
    expect(say({ peers: [peer(), silent] })).toBe(
      'In sync with 1 of 2 clusters; wuhan has been silent for 41 s; its 212 instances are kept for another 9 min 19 s.',
    );
  });

  it('does not call a registry that is silent in sync, nor a reason to restart', () => {
    const condition = { state: 'unknown', reason: 'unreachable', detail: 'x' } as const;
    expect(say({ condition })).toMatch(/^Unknown: /);
    expect(probes(syncStatus({ condition }))).toEqual({ live: true, ready: false });
    expect(probes(syncStatus())).toEqual({ live: true, ready: true });
  });

  it('says that a delay was not measured', () => {
    const none = { windowSeconds: 300, samples: 0, lastSampleMs: undefined };
    const lag = { ...none, p50Ms: undefined, p99Ms: undefined, worstMs: undefined };
    expect(say({ peers: [peer({ lag })] })).toBe('In sync with 1 cluster; delay not measured yet.');
  });
});
