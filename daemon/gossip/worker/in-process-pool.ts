// The pool in this very thread: what the worker runs, and what tests and simulations use directly.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import { memberlistConfig } from '../memberlist/config.ts';
import { Memberlist } from '../memberlist/memberlist.ts';
import type { GossipPool, PoolEvent, PoolSettings } from '../pool.ts';
import { decodeKey } from '../serf/keyring-file.ts';
import { Serf } from '../serf/serf.ts';
import type { Address, OpenTransport } from '../transport/transport.ts';

export interface InProcessParts {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly openTransport: OpenTransport;
}

/**
 * Gives a pool that lives in the calling thread: a stall of that thread is a stall of the member.
 * Throws `KeyringFileError` or `NodeNameError` for settings that cannot be used.
 */
export function createInProcessPool(settings: PoolSettings, parts: InProcessParts): GossipPool {
  return new InProcessPool(settings, parts);
}

class InProcessPool implements GossipPool {
  readonly node: string;
  readonly #settings: PoolSettings;
  readonly #parts: InProcessParts;
  readonly #listeners = new Set<(event: PoolEvent) => void>();
  readonly #answers: Parameters<GossipPool['answer']>[] = [];
  #serf: Serf | undefined;

  constructor(settings: PoolSettings, parts: InProcessParts) {
    this.node = settings.node;
    this.#settings = settings;
    this.#parts = parts;
  }

  async start(): Promise<Address> {
    if (this.#serf !== undefined) throw new Error('the pool has been started already');
    const serf = this.#create(await literal(this.#settings.advertise));
    this.#serf = serf;
    for (const [name, handler] of this.#answers) serf.answer(name, handler);
    try {
      return await serf.start();
    } catch (error) {
      this.#serf = undefined;
      throw error;
    }
  }

  members: GossipPool['members'] = () => this.#serf?.members() ?? [];

  join: GossipPool['join'] = async (addresses) => this.#started().join(addresses);

  async leave(): Promise<void> {
    await this.#serf?.leave();
  }

  async close(): Promise<void> {
    await this.#serf?.shutdown();
  }

  forceLeave: GossipPool['forceLeave'] = async (node, prune) =>
    this.#started().forceLeave(node, prune);

  setTags: GossipPool['setTags'] = async (tags) => this.#started().setTags(tags);

  sendEvent: GossipPool['sendEvent'] = async (name, payload, coalesce) =>
    this.#started().userEvent(name, payload, coalesce);

  query: GossipPool['query'] = async (name, payload, options) =>
    this.#started().query(name, payload, options);

  answer: GossipPool['answer'] = (name, handler) => {
    this.#answers.push([name, handler]);
    this.#serf?.answer(name, handler);
  };

  keys: GossipPool['keys'] = async (operation, key) => this.#started().keys.run(operation, key);

  stats: GossipPool['stats'] = async () => this.#started().stats();

  onEvent: GossipPool['onEvent'] = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  #create(advertise: Address | undefined): Serf {
    const { node, bind, profile, keys, tags } = this.#settings;
    const { keyringFile, snapshotFile, rejoinAfterLeave } = this.#settings;
    return new Serf({
      ...this.#parts,
      tags,
      keyringFile,
      snapshotFile,
      rejoinAfterLeave,
      memberlist: memberlistConfig(profile, {
        name: node,
        bind,
        keys: keys.map((key, index) => decodeKey(key, `the key ${index + 1} of the pool`)),
        ...(advertise === undefined ? {} : { advertise }),
      }),
      createMemberlist: (options) => new Memberlist(options),
      onEvent: (event) => this.#tell(event),
    });
  }

  #tell(event: PoolEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#parts.logger.error(
          { event: event.type, error: String(error) },
          'a listener of the pool failed',
        );
      }
    }
  }

  #started(): Serf {
    if (this.#serf === undefined) throw new Error('the pool has not been started');
    return this.#serf;
  }
}

/** What peers dial must be a literal address: a name is looked up once, at the start. */
async function literal(address: Address | undefined): Promise<Address | undefined> {
  if (address === undefined || isIP(address.host) !== 0) return address;
  const found = await lookup(address.host);
  return { host: found.address, port: address.port };
}
