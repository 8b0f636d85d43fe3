// The file of copies: what the syncer brought from other sites, beside the file of the site's own
// endpoints, which is never written. Many writes at once become one write of the file.

import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import {
  createLeaseTable,
  leaseSecondsOf,
  type Instance,
  type LeaseTable,
  type Service,
  type Snapshot,
} from '@servicecenter-syncer/driver-kit';
import { parseFile } from './file-format.ts';

/** Gives what `error` is called by the system; empty: something else. */
export function systemCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The copies as they are in the file, and their leases. */
export class Copies {
  readonly services = new Map<string, Service>();
  readonly instances = new Map<string, Instance>();
  readonly #file: string;
  readonly #nowMs: () => number;
  #leases: LeaseTable;
  /** What the file was when we last read or wrote it: another syncer may have written it since. */
  #known = '';
  #flushing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(file: string, nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
    this.#leases = createLeaseTable(nowMs);
  }

  /** Reads the file again where it is not as we left it. Throws for a file that cannot be read. */
  async refresh(): Promise<void> {
    if (this.#isWriting()) return;
    const found = await markOf(this.#file);
    if (found === this.#known || this.#isWriting()) return;
    const text = found === '' ? '' : await readFile(this.#file, 'utf8');
    const { services, instances } = parseFile(text);
    const leases = leasesIn(text);
    this.services.clear();
    this.instances.clear();
    this.#leases = createLeaseTable(this.#nowMs);
    for (const service of services) this.services.set(service.serviceId, service);
    for (const instance of instances) {
      const key = keyOf(instance);
      this.instances.set(key, instance);
      const untilMs = leases.get(key) ?? this.#nowMs() + leaseSecondsOf(instance) * 1_000;
      this.#leases.keep(key, untilMs - this.#nowMs());
    }
    this.#known = found;
  }

  put(instance: Instance): void {
    const key = keyOf(instance);
    this.instances.set(key, instance);
    this.#leases.keep(key, leaseSecondsOf(instance) * 1_000);
  }

  /** `false`: it is not there. */
  renew(key: string): boolean {
    const instance = this.instances.get(key);
    if (instance !== undefined) this.#leases.keep(key, leaseSecondsOf(instance) * 1_000);
    return instance !== undefined;
  }

  remove(key: string): void {
    this.instances.delete(key);
    this.#leases.forget(key);
  }

  /** Takes away what nobody has renewed; `true`: something went. */
  expire(): boolean {
    const ended = this.#leases.ended();
    for (const key of ended) this.remove(key);
    return ended.length > 0;
  }

  get snapshot(): Snapshot {
    return { services: [...this.services.values()], instances: [...this.instances.values()] };
  }

  /** Resolves when everything up to now is in the file: writes that come meanwhile share the next one. */
  flush(): Promise<void> {
    if (this.#flushing === undefined) {
      this.#flushing = this.#write().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing;
    }
    this.#next ??= this.#flushing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.flush();
      });
    return this.#next;
  }

  /** What is in memory is newer than the file. */
  #isWriting(): boolean {
    return this.#flushing !== undefined;
  }

  async #write(): Promise<void> {
    const instances = [...this.instances].map(([key, { serviceId, instanceId, ...rest }]) => ({
      service: serviceId,
      id: instanceId,
      ...rest,
      leaseUntilMs: this.#leases.untilMs(key),
    }));
    const services = [...this.services.values()].map(({ serviceId: _, ...rest }) => rest);
    const unfinished = `${this.#file}.new`;
    await writeFile(unfinished, `${JSON.stringify({ services, instances }, undefined, 2)}\n`);
    await rename(unfinished, this.#file);
    this.#known = await markOf(this.#file);
  }
}

/** Gives the key of an instance within the file. */
export function keyOf({
  serviceId,
  instanceId,
}: Pick<Instance, 'serviceId' | 'instanceId'>): string {
  return `${serviceId}/${instanceId}`;
}

/** What tells one writing of a file from another; empty: there is no file. */
async function markOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Until when each copy is kept, by its key. */
function leasesIn(text: string): ReadonlyMap<string, number> {
  if (text === '') return new Map();
  const { instances } = JSON.parse(text) as {
    readonly instances?: readonly {
      readonly service: string;
      readonly id: string;
      readonly leaseUntilMs?: number;
    }[];
  };
  return new Map(
    (instances ?? []).flatMap(({ service, id, leaseUntilMs }) =>
      leaseUntilMs === undefined ? [] : [[`${service}/${id}`, leaseUntilMs] as const],
    ),
  );
}
