// The checker itself is checked: each kind of damage must be found, and an intact pair be silent.

import { describe, expect, it } from 'vitest';
import { compareSites, type Site } from './compare.ts';
import type { FoundInstance, FoundService } from './read-registry.ts';

function service(id: string, properties: Record<string, string> = {}): FoundService {
  return { serviceId: id, key: `|app|${id}|1.0.0`, content: '{}', common: '{}', properties };
}

function instance(id: string, more: Partial<FoundInstance> = {}): FoundInstance {
  return {
    serviceId: 's',
    instanceId: id,
    endpoints: ['rest://10.0.0.1:80'],
    hostName: 'h',
    status: 'UP',
    properties: { a: 'b' },
    healthCheck: {},
    dataCenterInfo: undefined,
    ...more,
  };
}

function copyOf(
  cluster: string,
  native: FoundInstance,
  id = `c-${native.instanceId}`,
): FoundInstance {
  return {
    ...native,
    instanceId: id,
    properties: {
      ...native.properties,
      'syncer-origin-cluster': cluster,
      'syncer-origin-service': native.serviceId,
      'syncer-origin-instance': native.instanceId,
      'syncer-epoch': '1',
    },
  };
}

function site(cluster: string, instances: FoundInstance[], services = [service('s')]): Site {
  return {
    cluster,
    content: { services: new Map(services.map((one) => [one.serviceId, one])), instances },
  };
}

const native = instance('i1');
const copy = copyOf('a', native);
const kinds = (...sites: Site[]): string[] => compareSites(sites).map(({ kind }) => kind);

describe('the checker', () => {
  it('finds nothing in an intact pair', () => {
    expect(kinds(site('a', [native]), site('b', [copy]))).toEqual([]);
  });

  it('finds what is missing, doubled, left over, changed, or has come home', () => {
    expect(kinds(site('a', [native]), site('b', []))).toEqual(['missing']);
    expect(kinds(site('a', [native]), site('b', [copy, copyOf('a', native, 'other')]))).toEqual([
      'duplicate',
    ]);
    expect(kinds(site('a', []), site('b', [copy]))).toEqual(['orphan']);
    expect(kinds(site('a', [native]), site('b', [{ ...copy, status: 'DOWN' }]))).toEqual([
      'differs',
    ]);
    expect(kinds(site('a', [native]), site('b', [{ ...copy, endpoints: [] }]))).toEqual([
      'differs',
    ]);
    expect(kinds(site('a', [native, copyOf('a', native)]), site('b', [copy]))).toContain('echo');
  });

  it('compares a service that a syncer made with its origin, and leaves a native one alone', () => {
    const made = service('s', { 'syncer-origin-cluster': 'a', extra: 'x' });
    expect(kinds(site('a', [native]), site('b', [copy], [made]))).toEqual(['service-differs']);
    const theirs = service('s', { extra: 'x' });
    expect(kinds(site('a', [native]), site('b', [copy], [theirs]))).toEqual([]);
    expect(kinds(site('a', [native]), site('b', [copy], []))).toEqual(['service-missing']);
  });
});
