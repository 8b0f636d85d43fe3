// The calls that made-up applications make, over kept connections; it works on any ServiceCenter.

import { Pool } from 'undici';

export interface Pair {
  readonly serviceId: string;
  readonly instanceId: string;
}

export interface LoadClientOptions {
  readonly domain: string;
  readonly project: string;
  /** Connections at once. Raising it loads the registry harder. */
  readonly connections: number;
}

/** A call was answered with an error, or not at all. */
class LoadError extends Error {
  /** The `errorCode` of the answer, empty if it had none. */
  readonly errorCode: string;

  constructor(message: string, errorCode: string, options?: ErrorOptions) {
    super(message, options);
    this.errorCode = errorCode;
  }
}

/** How long an answer may take. */
const answerMs = 30_000;

export class LoadClient {
  readonly #pool: Pool;
  readonly #root: string;
  readonly #domain: string;

  constructor(url: string, options: LoadClientOptions) {
    this.#pool = new Pool(url, {
      connections: options.connections,
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
    });
    this.#root = `/v4/${options.project}/registry`;
    this.#domain = options.domain;
  }

  async createService(body: object): Promise<string> {
    const { serviceId } = await this.#call<{ serviceId: string }>('POST', '/microservices', body);
    return serviceId;
  }

  async postSchemas(serviceId: string, schemas: readonly object[]): Promise<void> {
    await this.#call('POST', `/microservices/${serviceId}/schemas`, { schemas });
  }

  async register(serviceId: string, instance: object): Promise<void> {
    await this.#call('POST', `/microservices/${serviceId}/instances`, { instance });
  }

  async unregister({ serviceId, instanceId }: Pair): Promise<void> {
    await this.#call('DELETE', `/microservices/${serviceId}/instances/${instanceId}`);
  }

  async setStatus({ serviceId, instanceId }: Pair, status: string): Promise<void> {
    const path = `/microservices/${serviceId}/instances/${instanceId}/status?value=${status}`;
    await this.#call('PUT', path);
  }

  async setProperties({ serviceId, instanceId }: Pair, properties: object): Promise<void> {
    const path = `/microservices/${serviceId}/instances/${instanceId}/properties`;
    await this.#call('PUT', path, { properties });
  }

  /** Renews; false if some of them are unknown to the registry, which 1.x does not name. */
  async heartbeats(pairs: readonly Pair[]): Promise<boolean> {
    try {
      const answer = await this.#call<{ instances?: { errMessage?: string }[] }>(
        'PUT',
        '/heartbeats',
        { instances: pairs },
      );
      return !(answer.instances ?? []).some(({ errMessage }) => (errMessage ?? '') !== '');
    } catch (error) {
      if (error instanceof LoadError && error.errorCode === '400017') return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #call<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T> {
    const what = `${method} ${path.slice(0, 80)}`;
    try {
      const response = await this.#pool.request({
        method,
        path: this.#root + path,
        headers: {
          'content-type': 'application/json',
          'x-domain-name': this.#domain,
          'x-lab-client': 'load',
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.body.text();
      const value = text.startsWith('{') ? (JSON.parse(text) as unknown) : {};
      if (response.statusCode === 200) return value as T;
      const { errorCode = '' } = value as { errorCode?: string };
      throw new LoadError(`${what}: ${response.statusCode} ${text.slice(0, 200)}`, errorCode);
    } catch (error) {
      if (error instanceof LoadError) throw error;
      throw new LoadError(`${what}: ${(error as Error).message}`, '', { cause: error });
    }
  }
}
