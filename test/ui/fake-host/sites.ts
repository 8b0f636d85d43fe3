// The clusters of each scenario, before any figure is worked out.

import type { Scenario } from './scenario.ts';

export interface Site {
  readonly name: string;
  readonly replicas: readonly { readonly node: string; readonly status: string }[];
  readonly link: 'connected' | 'connecting' | 'silent' | 'left';
  readonly reason: string;
  /** How long its link has been in that state, seconds. */
  readonly forSeconds: number;
  readonly instances: number;
  readonly held: number;
  readonly pending: number;
  readonly medianMs: number | undefined;
}

export const ownCluster = 'beijing';

const well = (name: string, instances: number, medianMs: number, replicas = 1): Site => ({
  name,
  replicas: Array.from({ length: replicas }, (_, at) => ({
    node: `${name}-${at + 1}`,
    status: 'alive',
  })),
  link: 'connected',
  reason: '',
  forSeconds: 7_260,
  instances,
  held: 0,
  pending: 0,
  medianMs,
});

/** Gives the peers of a scenario; the own cluster is not among them. */
export function sitesOf(scenario: Scenario): readonly Site[] {
  switch (scenario) {
    case 'empty':
      return [];
    case 'calm':
      return [well('shanghai', 214, 84, 3), well('lab-1', 18, 91)];
    case 'loaded':
    case 'error':
      return [
        { ...well('shanghai', 214, 84, 3), pending: 6 },
        {
          ...well('guangzhou', 96, 112),
          link: 'silent',
          reason: 'no heartbeat',
          forSeconds: 41,
          medianMs: 97,
          replicas: [{ node: 'guangzhou-1', status: 'failed' }],
        },
        { ...well('lab-1', 40, 31), held: 12 },
        {
          ...well('chengdu-factory-floor-3', 0, 0),
          link: 'connecting',
          reason: '14 UNAVAILABLE: connect ECONNREFUSED 10.9.0.4:30191',
          forSeconds: 312,
          medianMs: undefined,
        },
      ];
    case 'clusters-50':
      return Array.from({ length: 49 }, (_, at) => {
        const site = well(`site-${String(at + 1).padStart(2, '0')}`, 8 + ((at * 7) % 40), 40 + at);
        if (at === 11) return { ...site, link: 'silent', reason: 'no heartbeat', forSeconds: 75 };
        if (at === 30) return { ...site, link: 'connecting', forSeconds: 12, medianMs: undefined };
        return site;
      });
    case 'instances-150000':
      return [well('shanghai', 90_000, 140, 3), well('guangzhou', 40_000, 152, 3)];
  }
}

/** Instances that applications have registered here. */
export function nativeCount(scenario: Scenario): number {
  if (scenario === 'empty') return 0;
  return scenario === 'instances-150000' ? 20_000 : 120;
}
