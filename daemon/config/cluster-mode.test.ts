// What the configuration says of cluster mode: the walk-through of the original guide, and each mistake.

import { describe, expect, it } from 'vitest';
import { createTranslator } from '../../proto/translate.ts';
import { loadConfig, type LoadedConfig } from './load.ts';
import { describeProblem } from './problems.ts';

const translate = createTranslator('en');

function load(flags: Readonly<Record<string, string>>, yaml = ''): LoadedConfig {
  return loadConfig({
    flags: { ...flags, config: 'syncer.yaml' },
    environment: {},
    readFile: () => yaml,
    machine: { hostname: 'alpha', stateRoot: '/state/syncer' },
  });
}

function complaints(flags: Readonly<Record<string, string>>, yaml?: string): readonly string[] {
  return load(flags, yaml).problems.map((one) => describeProblem(one, translate).text);
}

/** One of the guide's six lines. */
const guide = (site: string, replica: number): Readonly<Record<string, string>> => ({
  'sc-addr': `http://${site}:30100`,
  'bind-addr': `${site}:30${replica}90`,
  'rpc-addr': `${site}:30${replica}91`,
  mode: 'cluster',
  node: `syncer${site.slice(-3)}${replica}`,
  'cluster-port': String(30_200 + replica),
  'join-addr': '10.0.0.10:30190',
});

describe('cluster mode', () => {
  it('takes the walk-through: one cluster name a site, another one at the other site', () => {
    const sites = ['10.0.0.10', '10.0.0.11'].map((site) => {
      const names = [1, 2, 3].map((replica) => {
        const { config, problems, notices } = load(guide(site, replica));
        expect([...problems, ...notices]).toEqual([]);
        expect(config?.mode).toBe('cluster');
        expect(config?.cluster.port).toBe(30_200 + replica);
        return config?.clusterName;
      });
      expect(new Set(names).size).toBe(1);
      return names[0];
    });
    expect(sites[0]).not.toBe(sites[1]);
  });

  it('refuses a cluster port that is another listener’s, and one that is none', () => {
    expect(complaints({ ...guide('10.0.0.10', 1), 'cluster-port': '30191' })[0]).toMatch(
      /cluster\.port.*30191/,
    );
    expect(complaints({ ...guide('10.0.0.10', 1), 'bind-addr': '10.0.0.10:30201' })).toHaveLength(
      1,
    );
    expect(complaints({ ...guide('10.0.0.10', 1), 'cluster-port': '70000' })).toHaveLength(1);
    // An existing etcd needs no port of ours.
    const existing = { 'cluster-port': '30191', 'etcd-addr': 'http://10.0.0.5:2379' };
    expect(complaints({ ...guide('10.0.0.10', 1), ...existing })).toEqual([]);
  });

  it('takes an existing etcd with several endpoints, TLS, a user and a password', () => {
    const { config, problems, entries } = load(
      { ...guide('10.0.0.10', 1), 'etcd-addr': 'https://a:2379,https://b:2379' },
      `cluster:
  etcdTls: { ca: ca.pem, cert: own.pem, key: own.key }
  etcdCredentials: { user: syncer, password: hunter2 }
`,
    );
    expect(problems).toEqual([]);
    expect(config?.cluster).toMatchObject({
      etcd: ['https://a:2379', 'https://b:2379'],
      etcdTls: { ca: 'ca.pem' },
      etcdCredentials: { user: 'syncer', password: 'hunter2' },
    });
    expect(JSON.stringify(entries)).not.toContain('hunter2');
  });

  it('refuses halves, and addresses of both schemes', () => {
    const flags = { ...guide('10.0.0.10', 1), 'etcd-addr': 'https://a:2379' };
    expect(complaints(flags, 'cluster:\n  etcdTls: { cert: own.pem }\n')).toHaveLength(1);
    expect(complaints(flags, 'cluster:\n  etcdCredentials: { user: syncer }\n')).toHaveLength(1);
    expect(complaints(guide('10.0.0.10', 1), 'cluster:\n  etcdTls: { ca: ca.pem }\n')[0]).toContain(
      'cluster.etcd',
    );
    expect(complaints({ ...flags, 'etcd-addr': 'https://a:2379,http://b:2379' })).toHaveLength(1);
  });

  it('names the etcd program', () => {
    expect(load(guide('10.0.0.10', 1)).config?.cluster.etcdBinary).toBe('etcd');
    const named = load({ ...guide('10.0.0.10', 1), 'etcd-bin': '/opt/etcd/etcd' });
    expect(named.config?.cluster.etcdBinary).toBe('/opt/etcd/etcd');
  });
});
