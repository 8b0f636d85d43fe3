// The driver for Alibaba Nacos: its parts, put together.

import { createKeyedLock } from '../common/keyed-lock.ts';
import { createServiceCatalogue } from '../common/service-catalogue.ts';
import type { DriverEnvironment, RegistryDriver } from '../driver.ts';
import { createAddressBook } from './address-book.ts';
import { createApi } from './api.ts';
import { normaliseInstance } from './codec.ts';
import { createHttpClient } from './http-client.ts';
import { createInstanceWriter, renewBatch } from './instance-writer.ts';
import { Mirror } from './mirror.ts';
import { nacosSettings } from './options.ts';
import { createReader, type Reader } from './reader.ts';
import { createRecentWrites } from './recent-writes.ts';
import { Removals } from './removals.ts';
import { createServiceWriter } from './service-writer.ts';

/** Gives the driver; throws for wrong options, naming key, value and remedy. Asks nothing yet. */
export function createNacosDriver(
  options: unknown,
  environment: DriverEnvironment,
): RegistryDriver {
  const settings = nacosSettings(options);
  const { clock } = environment;
  const logger = environment.logger.child({ part: 'nacos' });
  const http = createHttpClient(settings, {
    interrupted(detail) {
      logger.debug({ detail }, 'a connection to the registry was interrupted');
      reader.interrupted();
    },
    answered: () => reader.answered(),
  });
  const api = createApi(http, settings);
  const mirror = new Mirror();
  const others = () => settings.addresses.filter((address) => address !== http.address);
  const reader: Reader = createReader({
    ...environment,
    api,
    mirror,
    removals: new Removals(mirror, api, others),
    settings,
    logger,
    address: () => http.address.shown,
  });
  const catalogue = createServiceCatalogue(mirror);
  const lock = createKeyedLock();
  const recent = createRecentWrites(clock);
  const book = createAddressBook({ api, recent, lock, clock });
  const { projects } = settings;

  return {
    kind: 'nacos',
    renewBatchSize: renewBatch,
    facts: () => ({
      kind: 'nacos',
      address: http.address.shown,
      version: reader.version,
      findings: {
        namespaces: String(projects.length),
        'of-nacos-sync': String(mirror.others),
        'hidden-by-operators': String(mirror.hidden),
      },
      roundMs: reader.roundMs,
      intervalMs: reader.intervalMs,
    }),
    start: (observer, memory) => reader.start(observer, memory),
    async stop() {
      const stopped = reader.stop();
      await http.close();
      await stopped;
    },
    wake: () => reader.wake(),
    normalise: normaliseInstance,
    ...createServiceWriter({ book, mirror, catalogue, lock, projects }),
    ...createInstanceWriter({
      api,
      mirror,
      book,
      recent,
      catalogue,
      lock,
      isWhole: () => reader.whole,
    }),
  };
}
