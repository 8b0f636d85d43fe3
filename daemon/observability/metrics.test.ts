import { afterEach, describe, expect, it } from 'vitest';
import { SyncerError } from '../../proto/errors.ts';
import type { SyncStatus } from '../sync/engine.ts';
import { serveMetrics } from './metrics-server.ts';
import type { MetricsServer } from './metrics-server.ts';
import { createMetrics } from './metrics.ts';

const status: SyncStatus = {
  ...{ cluster: 'east', role: 'leader', conditionSinceMs: 0, pausedAll: false },
  registry: {
    ...{ kind: 'servicecenter', address: 'http://a:1', version: '1', findings: {} },
    ...{ roundMs: 12, intervalMs: 120 },
  },
  condition: { state: 'unknown', reason: 'unreachable', detail: 'refused' },
  ...{ nativeServices: 1, nativeInstances: 2, foreignServices: 3, foreignInstances: 4 },
  ...{ exportedServices: 1, exportedInstances: 2, exportEpoch: 'e', exportRevision: 9 },
  queue: { waiting: 5, inFlight: 1, writesPerSecond: 2.5, etaMs: undefined },
  leases: { kept: 4, inTimeShare: undefined, lastRoundMs: undefined },
  peers: [
    {
      ...{ cluster: 'west "1"', link: 'connected', linkReason: '', sinceMs: 0, lastHeardMs: 2000 },
      ...{ originHealth: 'healthy', originReason: '', provenEqualMs: undefined },
      ...{ clockOffsetMs: -3, roundTripMs: 1, services: 6, instances: 7, copies: 7, pending: 0 },
      ...{ held: 0, expiresAtMs: undefined, paused: false },
      lag: {
        ...{ windowSeconds: 300, samples: 9, p50Ms: 80, p99Ms: undefined, worstMs: 300 },
        lastSampleMs: 1,
      },
    },
  ],
  ...{ conflicts: 0, storeTrouble: undefined },
};

const member = (name: string, memberStatus: 'alive' | 'failed') => ({
  ...{ name, address: '10.0.0.1', port: 1, status: memberStatus, tags: {}, sinceMs: 0 },
  roundTripMs: undefined,
});

const metrics = createMetrics({
  version: '1.2.3',
  status: () => status,
  members: () => [member('a', 'alive'), member('b', 'alive'), member('c', 'failed')],
});

describe('metrics', () => {
  it('say what the status says, by peer and by member', async () => {
    const lines = (await metrics.metrics()).split('\n');
    for (const line of [
      'syncer_build_info{version="1.2.3"} 1',
      'syncer_members{status="alive"} 2',
      'syncer_members{status="failed"} 1',
      'syncer_registry_answering 0',
      'syncer_native_instances 2',
      'syncer_registry_round_seconds 0.012',
      'syncer_queue_waiting 5',
      'syncer_peer_link{peer="west \\"1\\"",state="connected"} 1',
      'syncer_peer_lag_seconds{peer="west \\"1\\"",quantile="0.5"} 0.08',
      'syncer_peer_clock_offset_seconds{peer="west \\"1\\""} -0.003',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it('leave out what was not measured', async () => {
    const text = await metrics.metrics();
    expect(text).not.toMatch(/^syncer_leases_in_time_ratio /m);
    expect(text).not.toMatch(/^syncer_peer_proven_equal_timestamp_seconds\{/m);
    expect(text).not.toContain('quantile="0.99"');
  });
});

describe('the metrics server', () => {
  const servers: MetricsServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function serve(ready: boolean, port = 0): Promise<MetricsServer> {
    const server = await serveMetrics({
      ...{ host: '127.0.0.1', port, metrics },
      readiness: () => ({ ready, reason: 'the registry was not read yet' }),
    });
    servers.push(server);
    return server;
  }

  const get = async (server: MetricsServer, where: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${where}`, { method });
    return [answer.status, await answer.text()] as const;
  };

  it('serves metrics and health', async () => {
    const server = await serve(true);
    const [code, text] = await get(server, '/metrics?x=1');
    expect(code).toBe(200);
    expect(text).toContain('syncer_members{status="alive"} 2');
    expect(await get(server, '/healthz')).toEqual([200, 'ok\n']);
    expect(await get(server, '/readyz')).toEqual([200, 'ok\n']);
    expect((await get(server, '/other'))[0]).toBe(404);
    expect((await get(server, '/metrics', 'POST'))[0]).toBe(405);
    expect(await get(server, '/healthz', 'HEAD')).toEqual([200, '']);
  });

  it('says why it is not ready', async () => {
    const server = await serve(false);
    expect(await get(server, '/readyz')).toEqual([503, 'the registry was not read yet\n']);
  });

  it('names an address that is in use', async () => {
    const server = await serve(true);
    const refused = await serve(true, server.port).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(SyncerError);
    expect((refused as SyncerError).code).toBe('listen.in-use');
  });
});
