// The driver for HashiCorp Consul: its parts, put together.

import { createKeyedLock } from '../common/keyed-lock.ts';
import { createServiceCatalogue } from '../common/service-catalogue.ts';
import type { DriverEnvironment, RegistryDriver } from '../driver.ts';
import { createApi } from './api.ts';
import { createAudit } from './audit.ts';
import { normaliseInstance } from './codec.ts';
import { createHttpClient } from './http-client.ts';
import { createInstanceWriter, deletion, renewBatch } from './instance-writer.ts';
import { createLeaseSweeper } from './lease-sweeper.ts';
import { Mirror } from './mirror.ts';
import { consulSettings } from './options.ts';
import { createOwnNode } from './own-node.ts';
import { createOwnWrites } from './own-writes.ts';
import { createReader, type Reader } from './reader.ts';
import { createServiceWriter } from './service-writer.ts';
import { createTransactions } from './transactions.ts';

/** Gives the driver; throws for wrong options, naming key, value and remedy. Asks nothing yet. */
export function createConsulDriver(
  options: unknown,
  environment: DriverEnvironment,
): RegistryDriver {
  const settings = consulSettings(options);
  const { clock } = environment;
  const logger = environment.logger.child({ part: 'consul' });
  const http = createHttpClient(settings, {
    interrupted(detail) {
      logger.debug({ detail }, 'a connection to the registry was interrupted');
      reader.interrupted();
    },
    answered: () => reader.answered(),
  });
  const api = createApi(http, settings);
  const mirror = new Mirror();
  const audit = createAudit(api, settings, clock);
  const reader: Reader = createReader({
    ...environment,
    api,
    mirror,
    settings,
    logger,
    address: () => http.address,
    audit: () => audit.look(),
  });
  const node = createOwnNode(api, settings);
  const transactions = createTransactions(api, node.operation);
  const sweeper = createLeaseSweeper({
    node: node.name,
    mirror,
    clock,
    logger,
    isAnswering: () => reader.answering,
    isKeeper: (signal) => node.isKept(signal),
    async remove(entries, signal) {
      const removed = await Promise.all(
        entries.map((entry) => transactions.submit([deletion(entry)], signal)),
      );
      return removed.filter((each) => each.ok && each.value.done).length;
    },
  });
  const catalogue = createServiceCatalogue(mirror);
  const lock = createKeyedLock();
  const instances = createInstanceWriter({
    api,
    mirror,
    catalogue,
    lock,
    transactions,
    node,
    sweeper,
    ownWrites: createOwnWrites(mirror),
    wrote: (name) => reader.wrote(name),
    isAnswering: () => reader.answering,
  });

  return {
    kind: 'consul',
    renewBatchSize: renewBatch,
    facts: () => ({
      kind: 'consul',
      address: http.address,
      version: audit.version,
      findings: reader.whole ? { ...audit.findings, ...reader.findings } : {},
      roundMs: reader.roundMs,
      intervalMs: reader.intervalMs,
    }),
    start: (observer, memory) => reader.start(observer, memory),
    async stop() {
      const stopped = Promise.all([reader.stop(), sweeper.stop()]);
      transactions.stop();
      await http.close();
      await stopped;
    },
    wake: () => reader.wake(),
    normalise: normaliseInstance,
    ...createServiceWriter({
      api,
      mirror,
      catalogue,
      lock,
      node,
      putInstance: instances.putInstance,
    }),
    ...instances,
  };
}
