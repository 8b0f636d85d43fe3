// The driver for Netflix Eureka: its parts, put together.

import type { DriverEnvironment, RegistryDriver } from '../driver.ts';
import { createKeyedLock } from '../common/keyed-lock.ts';
import { createApi } from './api.ts';
import { normaliseInstance } from './codec.ts';
import { createHttpClient } from './http-client.ts';
import { createInstanceWriter, renewAll, renewBatch } from './instance-writer.ts';
import { createLeasePacer } from './lease-pacer.ts';
import { Mirror } from './mirror.ts';
import { eurekaSettings } from './options.ts';
import { createReader, type Reader } from './reader.ts';
import { Removals } from './removals.ts';
import { createServiceCatalogue } from '../common/service-catalogue.ts';
import { createServiceWriter } from './service-writer.ts';

/** Gives the driver; throws for wrong options, naming key, value and remedy. Asks nothing yet. */
export function createEurekaDriver(
  options: unknown,
  environment: DriverEnvironment,
): RegistryDriver {
  const settings = eurekaSettings(options);
  const { clock } = environment;
  const logger = environment.logger.child({ part: 'eureka' });
  const http = createHttpClient(settings, {
    interrupted(detail) {
      logger.debug({ detail }, 'a connection to the registry was interrupted');
      reader.interrupted();
    },
    answered: () => reader.answered(),
  });
  const api = createApi(http);
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
  const stopping = new AbortController();
  const pacer = createLeasePacer({
    everyMs: settings.renewEveryMs,
    clock,
    async renew(refs) {
      const renewed = await renewAll(api, refs, stopping.signal);
      return renewed.ok ? renewed.value : [];
    },
    // The reader sees that it is gone, and the caller registers it again.
    lost: () => reader.wake(),
  });
  const catalogue = createServiceCatalogue(mirror);
  const lock = createKeyedLock();

  return {
    kind: 'eureka',
    renewBatchSize: renewBatch,
    facts: () => ({
      kind: 'eureka',
      address: http.address.shown,
      version: 'unknown',
      findings: reader.whole ? reader.watch.findings : {},
      roundMs: reader.roundMs,
      intervalMs: reader.intervalMs,
    }),
    start: (observer, memory) => reader.start(observer, memory),
    async stop() {
      stopping.abort(new Error('the driver stops'));
      pacer.stop();
      const stopped = reader.stop();
      await http.close();
      await stopped;
    },
    wake: () => reader.wake(),
    normalise: normaliseInstance,
    ...createServiceWriter({ api, mirror, catalogue, lock }),
    ...createInstanceWriter({
      api,
      mirror,
      catalogue,
      lock,
      pacer,
      nowMs: () => clock.nowMs(),
      isWhole: () => reader.whole,
      wrote: (app, id, lastDirty) => reader.watch.wrote(app, id, lastDirty),
    }),
  };
}
