// What a lab in trouble does to its clients, over real sockets.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLabRegistry, type LabRegistry } from '../../daemon/lab/lab.ts';
import { poll } from '../support/poll.ts';

let lab: LabRegistry;
beforeEach(async () => {
  lab = await startLabRegistry();
});
afterEach(() => lab.close());

const generousMs = 30_000;

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(lab.url + path, {
    method,
    signal: AbortSignal.timeout(generousMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The fields that these tests read of any answer. */
interface Body {
  readonly serviceId: string;
  readonly detail: string;
  readonly nowMs: number;
  readonly next: number;
  readonly cache: { readonly instances?: readonly unknown[] };
  readonly instances: readonly { readonly leaseEndsMs: number }[];
  readonly entries: readonly { readonly kind: string }[];
}

async function bodyOf(answer: Response): Promise<Body> {
  return (await answer.json()) as Body;
}

async function read(path: string): Promise<Body> {
  const answer = await call('GET', path);
  expect(answer.status).toBe(200);
  return bodyOf(answer);
}

const services = '/v4/default/registry/microservices';
const find =
  '/v4/default/registry/instances?appId=app&serviceName=Prov&env=development&version=0.0.0%2B';

/** Registers a service and so many instances; gives the service's id. */
async function fill(count: number, interval = 30): Promise<string> {
  const service = { appId: 'app', serviceName: 'Prov', environment: 'development' };
  const { serviceId } = await bodyOf(await call('POST', services, { service }));
  for (let index = 0; index < count; index++) {
    const healthCheck = { mode: 'push', interval, times: 0 };
    const instance = { instanceId: `i${index}`, hostName: 'h', healthCheck };
    const answer = await call('POST', `${services}/${serviceId}/instances`, { instance });
    expect(answer.status).toBe(200);
  }
  return serviceId;
}

describe('faults', () => {
  it('answer late, with errors, or not at all, and only on the named paths', async () => {
    await fill(1);
    await lab.faults.set({ latencyMs: 200, pathContains: '/instances' });
    const startMs = performance.now();
    await call('GET', find);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(190);

    await lab.faults.set({
      clear: true,
      errorShare: 1,
      errorStatus: 503,
      pathContains: '/instances',
    });
    expect((await call('GET', find)).status).toBe(503);
    expect((await call('GET', services)).status).toBe(200);

    await lab.faults.set({ clear: true, hangShare: 1 });
    const hanging = fetch(lab.url + services, { signal: AbortSignal.timeout(300) });
    await expect(hanging).rejects.toThrow(/timeout/);
    lab.faults.clear();
    expect((await call('GET', services)).status).toBe(200);
  });

  it('do not carry out what they answer with an error', async () => {
    const serviceId = await fill(1);
    await lab.faults.set({ errorShare: 1 });
    const answer = await call('DELETE', `${services}/${serviceId}/instances/i0`);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ errorCode: '500003' });
    expect(lab.registry.state().instances).toHaveLength(1);
  });

  it('cut answers in half', async () => {
    await fill(3);
    await lab.faults.set({ cutShare: 1 });
    const answer = await call('GET', services);
    await expect(answer.text()).rejects.toThrow();
  });

  it('tell "not modified" whatever happened', async () => {
    const serviceId = await fill(1);
    const rev = (await call('GET', find)).headers.get('x-resource-revision') ?? '';
    await lab.faults.set({ staleNotModified: true });
    await call('DELETE', `${services}/${serviceId}/instances/i0`);
    expect((await call('GET', `${find}&rev=${rev}`)).status).toBe(304);
    lab.faults.clear();
    expect((await call('GET', `${find}&rev=${rev}`)).status).toBe(200);
  });

  it('show an empty list and dump for a while, and the truth past the cache', async () => {
    const serviceId = await fill(5);
    await lab.faults.set({ visibleShare: 0, forMs: 60_000 });
    expect(await read('/v4/default/admin/dump')).toEqual({ cache: {} });
    expect(await read(`${services}/${serviceId}/instances`)).toEqual({});
    const truth = await read(`${services}/${serviceId}/instances?noCache=1`);
    expect(truth.instances).toHaveLength(5);
    await lab.faults.set({ forMs: 1 });
    await poll(async () => {
      const { cache } = await read('/v4/default/admin/dump');
      return cache.instances?.length === 5 || undefined;
    }, generousMs);
  });

  it('pause as SIGSTOP does: calls hang, then answer, and what ran out is gone at once', async () => {
    await fill(2, 2);
    const paused = lab.faults.set({ pauseMs: 3_500 });
    const first = await read('/v4/default/admin/dump');
    await paused;
    expect(first.cache.instances).toHaveLength(2);
    await poll(() => lab.registry.state().instances.length === 0 || undefined, generousMs);
    const ended = lab.history().entries.filter(({ cause }) => cause === 'lease-ended');
    expect(ended).toHaveLength(2);
    expect((ended[1]?.atMs ?? 0) - (ended[0]?.atMs ?? 0)).toBeLessThan(1_000);
  });

  it('refuse connections and come back on the same address', async () => {
    await fill(1);
    const { url } = lab;
    const refused = lab.faults.set({ refuseMs: 500 });
    await poll(
      async () => {
        const outcome = await fetch(url + services).then(
          () => undefined,
          () => true,
        );
        return outcome;
      },
      generousMs,
      5,
    );
    await refused;
    expect(lab.url).toBe(url);
    expect((await read(find)).instances).toHaveLength(1);
  });

  it('restart with and without the data', async () => {
    const serviceId = await fill(1);
    const rev = (await call('GET', find)).headers.get('x-resource-revision') ?? '';
    await lab.faults.set({ restart: { data: 'keep', downMs: 50 } });
    expect((await call('GET', `${find}&rev=${rev}`)).status).toBe(304);
    await lab.faults.set({ restart: { data: 'lose' } });
    expect(await read('/v4/default/admin/dump')).toEqual({ cache: {} });
    const pairs = [{ serviceId, instanceId: 'i0' }];
    const answer = await call('PUT', '/v4/default/registry/heartbeats', { instances: pairs });
    expect(await answer.json()).toMatchObject({ errorCode: '400017' });
  });

  it('are set over HTTP, where a wrong key is named and nothing is hit itself', async () => {
    expect((await call('PUT', '/lab/faults', { errorShare: 1, hangShare: 1 })).status).toBe(200);
    expect(await read('/lab/faults')).toMatchObject({ errorShare: 1, hangShare: 1 });
    const wrong = await call('PUT', '/lab/faults', { errorShar: 1 });
    expect(wrong.status).toBe(400);
    expect((await bodyOf(wrong)).detail).toContain('errorShar');
    const large = await call('PUT', '/lab/faults', { errorShare: 2 });
    expect((await bodyOf(large)).detail).toContain('errorShare');
    await call('DELETE', '/lab/faults');
    expect((await call('GET', services)).status).toBe(200);
  });
});

describe('what the lab tells', () => {
  it('names who did what, and pages its history', async () => {
    const serviceId = await fill(2);
    await fetch(`${lab.url}${services}/${serviceId}/instances/i0`, {
      method: 'DELETE',
      headers: { 'X-Lab-Client': 'the-application' },
    });
    const page = await read('/lab/history?since=1&limit=2');
    expect(page.entries.map(({ kind }) => kind)).toEqual([
      'instance-registered',
      'instance-registered',
    ]);
    const rest = await read(`/lab/history?since=${page.next}`);
    expect(rest.entries).toHaveLength(1);
    expect(rest.entries[0]).toMatchObject({
      kind: 'instance-removed',
      who: 'the-application',
      instanceId: 'i0',
    });
    const state = await read('/lab/state');
    expect(state.instances).toHaveLength(1);
    expect(state.instances[0]?.leaseEndsMs).toBeGreaterThan(state.nowMs);
    expect((await call('GET', '/lab/history?since=-1')).status).toBe(400);
  });

  it('packs large answers when asked to', async () => {
    await fill(50);
    const packed = await fetch(`${lab.url}/v4/default/admin/dump`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect((await bodyOf(packed)).cache.instances).toHaveLength(50);
  });
});
