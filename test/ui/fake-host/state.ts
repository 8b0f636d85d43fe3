// The state of a scenario as the control API would push it, with the sentence and the conditions
// that the daemon would derive from such figures.

import type {
  Condition,
  Lag,
  Link,
  Member,
  Peer,
  State,
  Text,
  Topology,
} from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOf } from '../../../proto/health.ts';
import type { Scenario } from './scenario.ts';
import { nativeCount, ownCluster, sitesOf, type Site } from './sites.ts';

export interface Changing {
  readonly pausedAll: boolean;
  readonly paused: ReadonlySet<string>;
  /** Held removals that still wait, by cluster. */
  readonly held: ReadonlyMap<string, number>;
}

/** Gives the whole state of a scenario at `nowMs`; it began at `startMs`. */
export function makeState(
  scenario: Scenario,
  startMs: number,
  nowMs: number,
  changing: Changing,
): State {
  const sites = sitesOf(scenario);
  const peers = sites.map((site) => peerOf(site, startMs, nowMs, changing));
  const conditions = conditionsOf(peers, changing);
  const held = peers.reduce((sum, peer) => sum + peer.held, 0);
  const copies = peers.reduce((sum, peer) => sum + peer.copies, 0);
  const median = Math.max(0, ...sites.flatMap(({ medianMs }) => medianMs ?? []));
  return {
    nowMs,
    identity: {
      cluster: ownCluster,
      node: `${ownCluster}-1`,
      version: '0.1.0',
      startedMs: startMs - 7_320_000,
      role: 'leader',
    },
    summary: {
      ...summaryOf(peers, conditions, changing, median),
      conditions,
      live: true,
      ready: true,
    },
    registry: {
      kind: 'servicecenter',
      address: 'http://127.0.0.1:30100',
      version: '2.3.0',
      findings: {},
      state: 'answering',
      reason: '',
      detail: '',
      sinceMs: startMs - 7_318_000,
      roundMs: 12,
      intervalMs: 50,
    },
    figures: {
      pausedAll: changing.pausedAll,
      nativeServices: Math.ceil(nativeCount(scenario) / 12),
      nativeInstances: nativeCount(scenario),
      foreignServices: Math.ceil(copies / 12),
      foreignInstances: copies,
      exportedServices: Math.ceil(nativeCount(scenario) / 12),
      exportedInstances: nativeCount(scenario),
      exportEpoch: '01JDFB3Z8W',
      exportRevision: 48_213,
      queueWaiting: peers.reduce((sum, peer) => sum + peer.pending, 0),
      queueInFlight: 0,
      writesPerSecond: 0,
      etaMs: undefined,
      leasesKept: copies,
      leasesInTimeShare: copies === 0 ? undefined : 1,
      leasesLastRoundMs: copies === 0 ? undefined : nowMs - 4_000,
      held,
      conflicts: 0,
      storeTrouble: undefined,
      lag: median === 0 ? undefined : lagOf(median, nowMs),
    },
    peers: { peers },
    links: { links: linksOf(sites, startMs, changing) },
    members: {
      members: membersOf(sites, startMs),
      joinState: joinStateOf(sites),
      joinFailures: failuresOf(scenario),
    },
  };
}

export function makeTopology(state: State, scenario: Scenario): Topology {
  const sites = sitesOf(scenario);
  return {
    nowMs: state.nowMs,
    clusters: [
      {
        name: ownCluster,
        self: true,
        registryKind: 'servicecenter',
        replicas: [{ node: `${ownCluster}-1`, status: 'alive', leader: true }],
        services: state.figures?.exportedServices,
        instances: state.figures?.exportedInstances,
      },
      ...sites.map((site) => ({
        name: site.name,
        self: false,
        registryKind: undefined,
        replicas: site.replicas.map((replica) => ({ ...replica, leader: undefined })),
        services: site.link === 'connecting' ? undefined : Math.ceil(site.instances / 12),
        instances: site.link === 'connecting' ? undefined : site.instances,
      })),
    ],
    links: state.links?.links ?? [],
  };
}

function peerOf(site: Site, startMs: number, nowMs: number, changing: Changing): Peer {
  const reached = site.link !== 'connecting';
  return {
    cluster: site.name,
    link: site.link,
    linkReason: site.reason,
    sinceMs: startMs - site.forSeconds * 1_000,
    lastHeardMs:
      site.link === 'connected'
        ? nowMs - 400
        : reached
          ? startMs - site.forSeconds * 1_000
          : undefined,
    originHealth: reached ? 'healthy' : 'unknown',
    originReason: '',
    provenEqualMs: site.link === 'connected' ? nowMs - 21_000 : undefined,
    clockOffsetMs: reached ? 3 : undefined,
    roundTripMs: site.link === 'connected' ? (site.medianMs ?? 0) / 4 : undefined,
    services: Math.ceil(site.instances / 12),
    instances: site.instances,
    copies: site.instances,
    pending: site.pending,
    held: changing.held.get(site.name) ?? 0,
    expiresAtMs: site.link === 'silent' ? startMs + 559_000 : undefined,
    paused: changing.pausedAll || changing.paused.has(site.name),
    lag: site.medianMs === undefined ? lagOf(undefined, nowMs) : lagOf(site.medianMs, nowMs),
  };
}

function lagOf(medianMs: number | undefined, nowMs: number): Lag {
  if (medianMs === undefined) {
    return {
      windowSeconds: 300,
      samples: 0,
      p50Ms: undefined,
      p99Ms: undefined,
      worstMs: undefined,
      lastSampleMs: undefined,
    };
  }
  return {
    windowSeconds: 300,
    samples: 418,
    p50Ms: medianMs,
    p99Ms: medianMs * 2.6,
    worstMs: medianMs * 3.7,
    lastSampleMs: nowMs - 1_900,
  };
}

function linksOf(sites: readonly Site[], startMs: number, changing: Changing): Link[] {
  return sites.flatMap((site) => {
    const state = changing.pausedAll || changing.paused.has(site.name) ? 'paused' : site.link;
    const sinceMs = startMs - site.forSeconds * 1_000;
    const common = { state, reason: site.reason, sinceMs };
    const transport = site.link === 'connected' ? 'subscribe' : '';
    return [
      {
        ...common,
        from: site.name,
        to: ownCluster,
        instances: site.instances,
        lag: lagOf(site.medianMs, startMs),
        provenEqualMs: site.link === 'connected' ? startMs - 21_000 : undefined,
        roundTripMs: (site.medianMs ?? 0) / 4,
        acknowledgedRevision: undefined,
        transport,
      },
      {
        ...common,
        state: site.link,
        from: ownCluster,
        to: site.name,
        instances: undefined,
        lag: undefined,
        provenEqualMs: undefined,
        roundTripMs: undefined,
        acknowledgedRevision: site.link === 'connecting' ? undefined : 48_213,
        transport,
      },
    ];
  });
}

function membersOf(sites: readonly Site[], startMs: number): Member[] {
  const member = (name: string, cluster: string, status: string, at: number): Member => ({
    name,
    address: `10.${20 + Math.floor(at / 200)}.0.${(at % 200) + 10}`,
    port: 30_190,
    status,
    tags: {
      'syncer-cluster-name': cluster,
      'syncer-rpc-port': '30191',
      'syncer-tls-enabled': 'true',
      'syncer-api': '1',
    },
    cluster,
    roundTripMs: at === 0 ? undefined : 4 + (at % 30),
    sinceMs: startMs - 7_300_000 + at * 1_000,
    self: at === 0,
  });
  const others = sites.flatMap((site) =>
    site.replicas.map(({ node, status }) => ({ node, status, cluster: site.name })),
  );
  return [
    member(`${ownCluster}-1`, ownCluster, 'alive', 0),
    ...others.map(({ node, status, cluster }, at) => member(node, cluster, status, at + 1)),
  ];
}

function joinStateOf(sites: readonly Site[]): string {
  return sites.length === 0 ? 'alone' : 'joined';
}

function failuresOf(scenario: Scenario): { address: string; reason: string; detail: string }[] {
  return scenario === 'loaded'
    ? [{ address: '10.9.0.4:30191', reason: 'rpc-port', detail: 'it answers with HTTP/2' }]
    : [];
}

function conditionsOf(peers: readonly Peer[], changing: Changing): Condition[] {
  const found: Condition[] = [];
  const say = (
    code: string,
    severity: string,
    subject: string,
    sinceMs: number | undefined,
    text: Text,
    remedy: Text,
  ): number => found.push({ code, severity, subject, sinceMs, text, remedy });
  for (const peer of peers) {
    const { cluster: subject } = peer;
    if (peer.link === 'silent') {
      const values = {
        subject,
        since: { elapsedSinceMs: peer.sinceMs },
        fate: 'until',
        count: peer.copies,
        left: { remainingUntilMs: peer.expiresAtMs ?? 0 },
        detail: 'none',
      };
      say(
        ...(['peer-silent', 'warning', subject, peer.sinceMs] as const),
        textOf('health.text.peer-silent', values),
        textOf('health.remedy.peer-silent', { subject }),
      );
    }
    if (peer.link === 'connecting') {
      const values = { subject, since: { elapsedSinceMs: peer.sinceMs }, detail: peer.linkReason };
      say(
        ...(['peer-connecting', 'warning', subject, peer.sinceMs] as const),
        textOf('health.text.peer-connecting', values),
        textOf('health.remedy.peer-connecting', { subject }),
      );
    }
    if (peer.held > 0) {
      say(
        ...(['held-removals', 'warning', subject, undefined] as const),
        textOf('health.text.held-removals', { count: peer.held, clusters: subject }),
        textOf('health.remedy.held-removals'),
      );
    }
  }
  if (changing.pausedAll) {
    say(
      ...(['paused-all', 'info', '', undefined] as const),
      textOf('health.text.paused-all'),
      textOf('health.remedy.paused-all'),
    );
  }
  return found;
}

function summaryOf(
  peers: readonly Peer[],
  conditions: readonly Condition[],
  changing: Changing,
  medianMs: number,
): { readonly overall: string; readonly sentence: Text[] } {
  if (peers.length === 0) {
    return { overall: 'alone', sentence: [textOf('health.sentence.alone')] };
  }
  const copies = peers.reduce((sum, peer) => sum + peer.copies, 0);
  if (changing.pausedAll) {
    return {
      overall: 'paused',
      sentence: [textOf('health.sentence.paused', { count: copies })],
    };
  }
  const good = peers.filter(
    (peer) => peer.link === 'connected' && peer.held === 0 && peer.pending === 0,
  ).length;
  if (conditions.length === 0) {
    return {
      overall: 'in-sync',
      sentence: [
        textOf('health.sentence.in-sync', { count: good }),
        textOf('health.sentence.delay', {
          median: { durationMs: medianMs },
          worst: { durationMs: medianMs * 3.7 },
        }),
      ],
    };
  }
  const silent = peers.find(({ link }) => link === 'silent');
  const clauses = [textOf('health.sentence.partly', { good, total: peers.length })];
  if (silent !== undefined) {
    clauses.push(
      textOf('health.clause.peer-silent', {
        subject: silent.cluster,
        since: { elapsedSinceMs: silent.sinceMs },
        fate: 'until',
        count: silent.copies,
        left: { remainingUntilMs: silent.expiresAtMs ?? 0 },
      }),
    );
  }
  return { overall: silent === undefined ? 'holding' : 'degraded', sentence: clauses };
}
