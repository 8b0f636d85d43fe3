// What the checks look at, out of the configuration and of what a running daemon knows.

import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../support/clock.ts';
import type { CheckContext } from './check.ts';

/** The store's file in the data directory. */
const storeFileName = 'state.db';

/** Gives the context of a check run; `running` is `undefined` where no daemon runs. */
export function checkContextOf(
  config: Config,
  clock: Clock,
  running: CheckContext['running'],
): CheckContext {
  return {
    clock,
    dataDirectory: config.dataDir,
    storeFile: join(config.dataDir, storeFileName),
    bind: config.gossip.bind,
    rpc: config.rpc.bind,
    advertise: config.gossip.advertise,
    joinAddresses: config.gossip.join,
    registryAddresses: config.registry.addresses,
    running,
  };
}
