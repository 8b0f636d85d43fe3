// What is wrong only together: halves of pairs, and two listeners on one port.

import type { RawValue } from './layers.ts';
import { showValue, sourceName } from './problems.ts';
import type { ConfigProblem } from './problems.ts';
import { parseHostPort } from './values.ts';

/** A key that is useless without another. */
const needs: readonly (readonly [key: string, other: string])[] = [
  ['tls.cert', 'tls.key'],
  ['tls.key', 'tls.cert'],
  ['tls.ca', 'tls.cert'],
  ['registry.tls.cert', 'registry.tls.key'],
  ['registry.tls.key', 'registry.tls.cert'],
  ['registry.credentials.account', 'registry.credentials.password'],
  ['registry.credentials.password', 'registry.credentials.account'],
  ['cluster.etcdTls.cert', 'cluster.etcdTls.key'],
  ['cluster.etcdTls.key', 'cluster.etcdTls.cert'],
  ['cluster.etcdTls.ca', 'cluster.etcd'],
  ['cluster.etcdTls.cert', 'cluster.etcd'],
  ['cluster.etcdCredentials.user', 'cluster.etcdCredentials.password'],
  ['cluster.etcdCredentials.password', 'cluster.etcdCredentials.user'],
  ['cluster.etcdCredentials.user', 'cluster.etcd'],
];

/** Listeners and their defaults; each pair must differ in its port or in its address. */
const listeners: readonly (readonly [key: string, preset: string | undefined])[] = [
  ['gossip.bind', '0.0.0.0:30190'],
  ['rpc.bind', '0.0.0.0:30191'],
  ['metrics.bind', undefined],
  ['ui.bind', undefined],
];

/** Where a supervised etcd member listens unless told otherwise (`cluster.port`). */
const memberPort = 30_192;

/** Gives the problems of values that are right by themselves. */
export function combinationProblems(
  values: ReadonlyMap<string, RawValue>,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [key, other] of needs) {
    const raw = values.get(key);
    if (raw === undefined || values.has(other)) continue;
    const parameters = { key, source: sourceName(raw.source), needs: other };
    problems.push({ code: 'config.incomplete', parameters });
  }
  const ui = values.get('ui.bind');
  if (ui !== undefined && !isLoopback(ui.value) && !values.has('tls.cert')) {
    // A session's cookie must not cross a network in the clear.
    const parameters = { key: 'ui.bind', source: sourceName(ui.source), needs: 'tls.cert' };
    problems.push({ code: 'config.incomplete', parameters });
  }
  listeners.forEach(([key, preset], index) => {
    const text = values.get(key)?.value ?? preset;
    for (const [otherKey, otherPreset] of listeners.slice(0, index)) {
      const other = values.get(otherKey)?.value ?? otherPreset;
      if (!collide(text, other)) continue;
      const source = values.get(key)?.source ?? values.get(otherKey)?.source ?? { kind: 'default' };
      problems.push({
        code: 'config.wrong-value',
        parameters: { key, value: showValue(text), source: sourceName(source), nearest: 'none' },
        expects: { key: 'config.expects.other-port', parameters: { other: otherKey } },
      });
    }
  });
  problems.push(...clusterProblems(values));
  return problems;
}

/** What is wrong in cluster mode alone: the etcd member's port, and addresses of both schemes. */
function clusterProblems(values: ReadonlyMap<string, RawValue>): readonly ConfigProblem[] {
  if (values.get('mode')?.value !== 'cluster') return [];
  const etcd = values.get('cluster.etcd');
  const addresses = Array.isArray(etcd?.value) ? etcd.value.map(String) : [];
  const secure = addresses.filter((address) => address.startsWith('https:')).length;
  if (etcd !== undefined && secure > 0 && secure < addresses.length) {
    return [
      {
        code: 'config.wrong-value',
        parameters: {
          ...{ key: 'cluster.etcd', value: showValue(etcd.value), nearest: 'none' },
          source: sourceName(etcd.source),
        },
        expects: { key: 'config.expects.one-scheme', parameters: {} },
      },
    ];
  }
  if (addresses.length > 0) return [];
  const port = values.get('cluster.port');
  const own = Number(port?.value ?? memberPort);
  return listeners.flatMap(([key, preset]): readonly ConfigProblem[] => {
    const other = values.get(key)?.value ?? preset;
    if (typeof other !== 'string' || parseHostPort(other)?.port !== own) return [];
    const source = port?.source ?? values.get(key)?.source ?? { kind: 'default' };
    return [
      {
        code: 'config.wrong-value',
        parameters: {
          ...{ key: 'cluster.port', value: showValue(own), nearest: 'none' },
          source: sourceName(source),
        },
        expects: { key: 'config.expects.other-port', parameters: { other: key } },
      },
    ];
  });
}

/** Whether an address is reachable from this machine alone; what is no address is told elsewhere. */
function isLoopback(value: unknown): boolean {
  const host = parseHostPort(String(value))?.host;
  return host === undefined || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function collide(left: unknown, right: unknown): boolean {
  const one = parseHostPort(String(left));
  const two = parseHostPort(String(right));
  if (one === undefined || two === undefined || one.port === 0 || one.port !== two.port) {
    return false;
  }
  const everywhere = (host: string): boolean => host === '0.0.0.0' || host === '::';
  return one.host === two.host || everywhere(one.host) || everywhere(two.host);
}
