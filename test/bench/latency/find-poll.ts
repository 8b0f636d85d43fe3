// Waiting for a change as a consumer would see it: finds with the last revision, which a registry
// answers with 304 and no body while nothing has changed (servicecenter-api.md §7).

import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';

/**
 * Between two finds. It is the resolution of what is measured, and counts against us. Lowering it
 * measures finer and takes more of the registry: 100 unchanged finds a second are some 10 ms of it.
 */
const everyMs = 10;
const limitMs = 30_000;

export interface WatchedService {
  readonly appId: string;
  readonly serviceName: string;
  readonly environment: string;
}

export interface SeenInstance {
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
}

export class FindPoll {
  readonly #pool: Pool;
  readonly #signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.#pool = new Pool(url, { connections: 8 });
    this.#signal = signal;
  }

  /** Resolves with the time (`performance.now()`) at which a find answered as `looks` wants it. */
  async seenAt(
    service: WatchedService,
    looks: (instances: readonly SeenInstance[]) => boolean,
  ): Promise<number> {
    const endMs = performance.now() + limitMs;
    let revision = '';
    for (;;) {
      const { answer, revision: next } = await this.#find(service, revision);
      if (answer !== undefined && looks(answer)) return performance.now();
      revision = next;
      if (performance.now() > endMs) {
        throw new Error(`a change of ${service.serviceName} was not seen within ${limitMs} ms`);
      }
      await wait(everyMs, undefined, { signal: this.#signal });
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  /** `answer` is `undefined` where nothing has changed since `revision`. */
  async #find(
    service: WatchedService,
    revision: string,
  ): Promise<{ answer: readonly SeenInstance[] | undefined; revision: string }> {
    const query = new URLSearchParams({
      appId: service.appId,
      serviceName: service.serviceName,
      version: '0.0.0+',
      env: service.environment,
      rev: revision,
    });
    const response = await this.#pool.request({
      method: 'GET',
      path: `/v4/default/registry/instances?${query.toString()}`,
      headers: { 'x-domain-name': 'default' },
      signal: this.#signal,
    });
    const text = await response.body.text();
    if (response.statusCode === 304) return { answer: undefined, revision };
    if (response.statusCode !== 200) throw new Error(`find: ${response.statusCode} ${text}`);
    const { instances } = JSON.parse(text) as { instances?: readonly SeenInstance[] };
    const answered = response.headers['x-resource-revision'];
    return { answer: instances ?? [], revision: typeof answered === 'string' ? answered : '' };
  }
}
