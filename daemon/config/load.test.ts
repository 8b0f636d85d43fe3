import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTranslator } from '../../proto/translate.ts';
import { configKeys } from './keys.ts';
import { loadConfig } from './load.ts';
import type { LoadedConfig } from './load.ts';
import { describeProblem, describeSource } from './problems.ts';

const translate = createTranslator('en');
const machine = { hostname: 'alpha', stateRoot: '/state/syncer' };

interface Given {
  readonly flags?: Record<string, string>;
  readonly environment?: Record<string, string>;
  readonly yaml?: string;
}

function load({ flags = {}, environment = {}, yaml }: Given): LoadedConfig {
  return loadConfig({
    flags: yaml === undefined ? flags : { ...flags, config: 'syncer.yaml' },
    environment,
    readFile: (file) => {
      if (file !== 'syncer.yaml' || yaml === undefined) throw new Error('no such file');
      return yaml;
    },
    machine,
  });
}

/** Text and remedy of every problem, one line each. */
function complaints(given: Given): readonly string[] {
  return load(given).problems.map((problem) => {
    const { text, remedy } = describeProblem(problem, translate);
    return `${text} ${remedy}`;
  });
}

function entry(loaded: LoadedConfig, key: string): readonly [unknown, string] {
  const found = loaded.entries.find((candidate) => candidate.key === key);
  if (found === undefined) throw new Error(`no entry ${key}`);
  return [found.value, describeSource(found.source, translate)];
}

describe('layers', () => {
  it('needs nothing: every key has its default', () => {
    const loaded = load({});
    expect(loaded.problems).toEqual([]);
    expect(loaded.config).toMatchObject({
      mode: 'single',
      node: 'alpha',
      dataDir: '/state/syncer/alpha',
      registry: {
        kind: 'servicecenter',
        addresses: ['http://127.0.0.1:30100'],
        tenants: [{ domain: 'default', project: 'default' }],
      },
      gossip: { bind: { host: '0.0.0.0', port: 30190 }, join: [], profile: 'lan', keys: [] },
      rpc: { bind: { host: '0.0.0.0', port: 30191 } },
      cluster: { port: 30192, etcd: [] },
      rules: { export: [], import: [], absence: { kind: 'grace', seconds: 600 } },
      guard: { share: 0.2, count: 50, windowSeconds: 60 },
      metrics: {},
      log: { level: 'info', format: 'auto' },
    });
    expect(loaded.entries.map(({ key }) => key)).toEqual(configKeys.map(({ path }) => path));
  });

  it('puts flags over the environment over YAML over defaults, and says so', () => {
    const yaml = 'gossip:\n  bind: 10.0.0.1:1\nrpc:\n  bind: 10.0.0.1:2\nlog:\n  level: warn\n';
    const environment = { SYNCER_BIND_ADDR: '10.0.0.2:1', SYNCER_RPC_ADDR: '10.0.0.2:2' };
    const loaded = load({ flags: { bindAddr: '10.0.0.3:1' }, environment, yaml });
    expect(loaded.problems).toEqual([]);
    expect(entry(loaded, 'gossip.bind')).toEqual(['10.0.0.3:1', '--bind-addr']);
    expect(entry(loaded, 'rpc.bind')).toEqual(['10.0.0.2:2', 'SYNCER_RPC_ADDR']);
    expect(entry(loaded, 'log.level')).toEqual(['warn', 'syncer.yaml:6']);
    expect(entry(loaded, 'cluster.port')).toEqual([30192, 'default']);
    expect(loaded.config?.gossip.bind).toEqual({ host: '10.0.0.3', port: 1 });
  });

  it('takes the walk-through of the original guide', () => {
    const loaded = load({
      flags: {
        'sc-addr': 'http://10.0.0.11:30100',
        'bind-addr': '10.0.0.11:30190',
        'rpc-addr': '10.0.0.11:30191',
        'join-addr': '10.0.0.10:30190',
      },
    });
    expect(loaded.problems).toEqual([]);
    expect(loaded.notices).toEqual([]);
    expect(loaded.config).toMatchObject({ node: 'alpha-10.0.0.11' });
    expect(loaded.config?.gossip.join).toEqual(['10.0.0.10:30190']);
    // The Go syncer's name for the same site (go-syncer.md §1.1).
    expect(loaded.config?.clusterName).toBe(
      createHash('md5').update('http://10.0.0.11:30100').digest('hex'),
    );
  });

  it('derives one cluster name however the replicas order the addresses', () => {
    const one = load({ flags: { scAddr: 'http://b:1,http://a:1/' } });
    const two = load({ flags: { scAddr: ' http://a:1 , http://b:1' } });
    expect(one.config?.clusterName).toBe(two.config?.clusterName);
    expect(entry(one, 'clusterName')[1]).toBe('derived from registry.addresses');
  });

  it('reads structures from YAML', () => {
    const yaml = `
registry:
  addresses: http://a:1,http://b:1
  tenants: [one/default, two/lab]
  credentials: { account: root, password: "s3cret" }
rules:
  absence: keep
  import:
    - name: no-lab
      match: { service: "lab-*", cluster: west }
      action: exclude
    - match: { app: shop }
      action: include
      rename: { project: west }
      endpoints: [{ from: 10.0.0.1, to: 192.168.0.1 }]
      absence: quarantine 1h
peers:
  static: [{ cluster: far, address: "far.example:30191" }]
`;
    const loaded = load({ yaml });
    expect(loaded.problems).toEqual([]);
    expect(loaded.config?.registry.tenants[1]).toEqual({ domain: 'two', project: 'lab' });
    expect(loaded.config?.rules.absence).toEqual({ kind: 'keep' });
    expect(loaded.config?.rules.import[1]?.absence).toEqual({ kind: 'quarantine', seconds: 3600 });
    expect(loaded.config?.peers.static[0]?.address).toEqual({ host: 'far.example', port: 30191 });
    expect(entry(loaded, 'registry.credentials.password')).toEqual(['<redacted>', 'syncer.yaml:5']);
  });
});

describe('mistakes', () => {
  it.each([
    [
      { yaml: 'gossip:\n  bnid: 1.2.3.4:5\n' },
      'gossip.bnid is not a key of the configuration (syncer.yaml:2). Did you mean gossip.bind?',
    ],
    [
      { yaml: 'bind-addr: 1.2.3.4:5\n' },
      'bind-addr is not a key of the configuration (syncer.yaml:1). Did you mean gossip.bind?',
    ],
    [
      { environment: { SYNCER_BIND_ADR: '1.2.3.4:5' } },
      'SYNCER_BIND_ADR is not a key of the configuration (SYNCER_BIND_ADR). Did you mean SYNCER_BIND_ADDR?',
    ],
    [
      { flags: { 'bind-adr': '1.2.3.4:5' } },
      '--bind-adr is not a key of the configuration (--bind-adr). Did you mean --bind-addr?',
    ],
    [
      { flags: { mode: 'signle' } },
      'mode cannot be signle (--mode): it is one of single, cluster. Did you mean single?',
    ],
    [
      { flags: { 'cluster-port': 'x' } },
      'cluster.port cannot be x (--cluster-port): it is a number. Give cluster.port a value of that kind, or leave it out for its default.',
    ],
    [
      { environment: { SYNCER_CLUSTER_PORT: '70000' } },
      'cluster.port cannot be 70000 (SYNCER_CLUSTER_PORT): it is at most 65,535. Give cluster.port a value of that kind, or leave it out for its default.',
    ],
    [
      { flags: { 'bind-addr': '10.0.0.1' } },
      'gossip.bind cannot be 10.0.0.1 (--bind-addr): it is host:port, with a port from 0 to 65535 (0: any free one). Give gossip.bind a value of that kind, or leave it out for its default.',
    ],
    [
      { yaml: 'rules:\n  import:\n    - match: {}\n      action: exlude\n' },
      'rules.import[0].action cannot be exlude (syncer.yaml:4): it is one of include, exclude. Did you mean exclude?',
    ],
    [
      { yaml: 'rules:\n  import:\n    - match: { servce: a }\n      action: include\n' },
      'rules.import[0].match.servce is not a key of the configuration (syncer.yaml:3). Did you mean service?',
    ],
    [
      { yaml: 'rules:\n  export:\n    - match: { service: a }\n' },
      'rules.export[0].action is missing (syncer.yaml:3): it is one of include, exclude. Add rules.export[0].action.',
    ],
    [
      { yaml: 'gossip: 7\n' },
      'gossip cannot be 7 (syncer.yaml:1): it is a group of keys. Give gossip a value of that kind, or leave it out for its default.',
    ],
    [
      { yaml: 'log:\n  level:\n' },
      'log.level is missing (syncer.yaml:2): a value belongs behind it. Add log.level.',
    ],
    [
      { flags: { 'tls-cert': 'a.pem' } },
      'tls.cert is set (--tls-cert), and tls.key is not. Set tls.key too, or take tls.cert away.',
    ],
    [
      { flags: { 'rpc-addr': '10.0.0.1:30190' } },
      'rpc.bind cannot be 10.0.0.1:30190 (--rpc-addr): it listens on the port of gossip.bind. Give rpc.bind a value of that kind, or leave it out for its default.',
    ],
    [
      { flags: { config: 'missing.yaml' } },
      'The configuration file missing.yaml cannot be read: no such file. Check the path given by --config and the rights of the file.',
    ],
    [
      { yaml: 'servicecenter:\n  addr: http://a:1\n' },
      'servicecenter belongs to the original Go syncer and has no meaning here (syncer.yaml:1). Write registry instead.',
    ],
    [
      { yaml: 'cluster: west\n' },
      'cluster belongs to the original Go syncer and has no meaning here (syncer.yaml:1). Write clusterName instead.',
    ],
    [
      { yaml: 'task:\n  kind: ticker\n' },
      'task belongs to the original Go syncer and has no meaning here (syncer.yaml:1). Take it away: nothing replaces it, because nothing needs it.',
    ],
  ] satisfies readonly (readonly [Given, string])[])('%j', (given, expected) => {
    expect(complaints(given)).toEqual([expected]);
    expect(load(given).config).toBeUndefined();
  });

  it('are all shown at once, those of a layer that loses too', () => {
    const found = complaints({
      flags: { mode: 'x', 'log-level': 'loud' },
      environment: { SYNCER_MODE: 'y', SYNCER_FOO: '1' },
      yaml: 'mode: z\nwhat: 1\n',
    });
    expect(found).toHaveLength(6);
  });

  it('names the line and column of broken YAML', () => {
    expect(complaints({ yaml: 'a: 1\nb: [1,\n' })[0]).toMatch(
      /^syncer\.yaml:3:1 is not valid YAML/,
    );
    expect(complaints({ yaml: 'mode: single\nmode: cluster\n' })[0]).toMatch(
      /^syncer\.yaml:2:1 is not valid YAML: Map keys must be unique/,
    );
  });

  it('never shows a secret', () => {
    const secret = 'hunter2hunter2';
    const shown = [
      ...complaints({ environment: { SYNCER_ENCRYPT: secret } }),
      ...complaints({ yaml: `gossip: { keys: [[${secret}]] }` }),
      ...complaints({ flags: { scAddr: `http://root:${secret}@a:1` } }),
      ...complaints({ yaml: `registry: { credentials: { account: a, password: [${secret}] } }` }),
    ];
    expect(shown.length).toBeGreaterThanOrEqual(4);
    expect(shown.join('\n')).not.toContain(secret);
    expect(shown.join('\n')).toContain('<redacted>');
    const key = Buffer.alloc(32, 7).toString('base64');
    const loaded = load({ flags: { encrypt: key } });
    expect(loaded.config?.gossip.keys).toEqual([key]);
    expect(JSON.stringify(loaded.entries)).not.toContain(key);
  });

  it('does not take what Kubernetes and the tools set for mistakes', () => {
    const environment = {
      SYNCER_SERVICE_HOST: '10.0.0.1',
      SYNCER_SERVICE_PORT_RPC: '1',
      SYNCER_PORT: 'tcp://10.0.0.1:1',
      SYNCER_PORT_30191_TCP_ADDR: '10.0.0.1',
      SYNCER_LANG: 'zh',
      SYNCER_NODE_BINARY: '/node',
      SYNCER_LOG_LEVEL: '',
    };
    expect(complaints({ environment })).toEqual([]);
  });
});

describe('notices', () => {
  const noticesOf = (given: Given): readonly string[] =>
    load(given).notices.map(({ key, parameters }) => translate(key, parameters));

  it('say that a missing scheme was taken as http', () => {
    const given = { flags: { scAddr: '10.0.0.10:30100,sc.example' } };
    expect(noticesOf(given)).toEqual([
      'registry.addresses: 10.0.0.10:30100 has no scheme (--sc-addr); http://10.0.0.10:30100 is used.',
      'registry.addresses: sc.example has no scheme (--sc-addr); http://sc.example is used.',
    ]);
    expect(load(given).config?.registry.addresses[1]).toBe('http://sc.example');
  });

  it('warn of a cluster name that every site would derive', () => {
    expect(noticesOf({})[0]).toContain('Set --cluster-name');
    expect(noticesOf({ flags: { clusterName: 'west' } })).toEqual([]);
  });

  it('warn of listeners that no peer can reach', () => {
    const flags = { bindAddr: '127.0.0.1:0', clusterName: 'west' };
    expect(noticesOf({ flags })[0]).toContain('reachable from this machine alone');
  });
});

describe('hostile files', () => {
  it('never throw, whatever they hold', () => {
    const scrap = fc.constantFrom(
      ...['gossip:', 'rules:', 'import:', '- ', '  ', '\n', '&a ', '*a', '{', '}', '[', ']', ': '],
      ...['<<: *a', 'mode', 'null', '"', "'", '!!binary x', '\u0000', '%YAML 9', '---\n', '1e999'],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(scrap).map((parts) => parts.join('')),
        ),
        (yaml) => {
          const loaded = load({ yaml });
          expect(loaded.config === undefined).toBe(loaded.problems.length > 0);
          for (const problem of loaded.problems) describeProblem(problem, translate);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a value that contains itself', 'rules:\n  import: &a\n    - *a\n'],
    ['a group that contains itself', 'registry: &a\n  tls: *a\n'],
    ['a billion laughs', laughs()],
    ['deep nesting', `rules: { import: ${'['.repeat(20_000)}`],
    ['a list for the whole', '- 1\n- 2\n'],
  ])('%s is a mistake like others', (_, yaml) => {
    expect(complaints({ yaml }).length).toBeGreaterThan(0);
  });
});

function laughs(): string {
  const lines = ['rules:', '  import:', '    - &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let depth = 1; depth < 10; depth += 1) {
    lines.push(
      `    - &a${depth} [${Array.from({ length: 10 }, () => `*a${depth - 1}`).join(', ')}]`,
    );
  }
  return `${lines.join('\n')}\n`;
}
