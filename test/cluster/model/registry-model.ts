// A model of the registry of one site, and of a driver's way to it: a write is two requests (a look, and
// the change), each sent only while its signal stands. It judges each as it is sent and as it lands.

import { stampKeys } from '../../../daemon/model/stamp.ts';
import type { Instance } from '../../../daemon/model/service.ts';
import type { RegistryDriver, WriteResult } from '../../../daemon/registry/driver.ts';
import type { Random } from '../../../daemon/support/random.ts';
import type { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import { call, type Link } from './network.ts';
import type { ModelProcess } from './process.ts';

const requestMs = 3_000;

/** A copy as the registry holds it. */
export interface ModelCopy {
  readonly id: string;
  readonly version: number;
  readonly epoch: number;
}

export class ModelRegistry {
  readonly copies = new Map<string, ModelCopy>();
  /** What should never be, in words. */
  readonly faults: string[] = [];
  /** Which copies are to be there: no other may be removed, none of these. */
  readonly wanted: ReadonlyMap<string, number>;
  landed = 0;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #newest = { sent: 0, landed: 0 };

  constructor(clock: VirtualClock, random: Random, wanted: ReadonlyMap<string, number>) {
    this.#clock = clock;
    this.#random = random;
    this.wanted = wanted;
  }

  /** Reads all copies. */
  read(process: ModelProcess, link: Link): Promise<ReadonlyMap<string, ModelCopy>> {
    return this.#ask(process, link, () => new Map(this.copies));
  }

  /** A driver of one replica; the parts of it that write and renew. `epoch`: of the term it is in. */
  driver(process: ModelProcess, link: Link, node: string, epoch: () => number): RegistryDriver {
    const write = async (
      id: string,
      own: number,
      signal: AbortSignal,
      apply: () => void,
    ): Promise<WriteResult<void>> => {
      try {
        const there = await this.#ask(process, link, () => this.copies.get(id));
        if (there !== undefined && there.epoch > own) {
          const detail = `epoch ${there.epoch} was here`;
          return { ok: false, failure: { code: 'fenced', retry: false, detail } };
        }
        if (signal.aborted) throw new Error('aborted');
        this.#judge('sent', node, id, own);
        await this.#ask(process, link, () => {
          // What one that was killed had sent lands when it may; the next one's view will show it.
          if (!process.isDead) this.#judge('landed', node, id, own);
          this.landed += 1;
          apply();
        });
        return { ok: true, value: undefined };
      } catch (error) {
        if (signal.aborted) throw error;
        return { ok: false, failure: { code: 'timeout', retry: true, detail: String(error) } };
      }
    };
    const parts: Partial<RegistryDriver> = {
      putInstance: (_key, copy, signal) => {
        const { id, version, epoch: own } = readCopy(copy);
        return write(id, own, signal, () => {
          this.copies.set(id, { id, version, epoch: own });
        });
      },
      removeInstance: ({ instanceId: id }, _cluster, signal) =>
        write(id, epoch(), signal, () => {
          if (this.wanted.has(id)) this.faults.push(`${node} removed ${id}, which is wanted`);
          this.copies.delete(id);
        }),
    };
    return parts as RegistryDriver;
  }

  #ask<T>(process: ModelProcess, link: Link, apply: () => T): Promise<T> {
    const [clock, random] = [this.#clock, this.#random];
    const serverMs = (): number => random.next() * 5;
    return call({ clock, random, process, link, serverMs, deadlineMs: requestMs }, apply);
  }

  #judge(when: 'sent' | 'landed', node: string, id: string, epoch: number): void {
    if (epoch < this.#newest[when]) {
      this.faults.push(
        `at ${Math.round(this.#clock.monotonicMs())} ms ${node} ${when} a write of ${id} ` +
          `in epoch ${epoch} after one of epoch ${this.#newest[when]}`,
      );
    }
    this.#newest[when] = Math.max(this.#newest[when], epoch);
  }
}

/** A copy as the engine would stamp it. */
export function stampedCopy(id: string, version: number, epoch: number): Instance {
  const properties = {
    [stampKeys.originCluster]: 'east',
    [stampKeys.originService]: 's',
    [stampKeys.originInstance]: id,
    [stampKeys.epoch]: String(epoch),
    version: String(version),
  };
  return { serviceId: 'copy-s', instanceId: id, properties } as unknown as Instance;
}

function readCopy({ instanceId, properties }: Instance): ModelCopy {
  return {
    ...{ id: instanceId, version: Number(properties.version) },
    epoch: Number(properties[stampKeys.epoch]),
  };
}
