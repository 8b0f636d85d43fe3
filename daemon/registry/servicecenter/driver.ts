// The driver for Apache ServiceComb ServiceCenter: its parts, put together.

import type { DriverEnvironment, RegistryDriver } from '../driver.ts';
import { createApi } from './api.ts';
import { findingsOf } from './capabilities.ts';
import { normaliseInstance, type HealthFloor } from './content.ts';
import { createHttpClient } from './http-client.ts';
import { createInstanceWriter, renewBatch } from './instance-writer.ts';
import { createMadeServices } from './made-services.ts';
import { settingsFrom, type ServiceCenterOptions } from './options.ts';
import { createReader, type Reader } from './reader.ts';
import { createServiceWriter } from './service-writer.ts';

export type { ServiceCenterOptions } from './options.ts';

/** Gives the driver; throws for wrong options, naming key, value and remedy. Asks nothing yet. */
export function createServiceCenterDriver(
  options: ServiceCenterOptions,
  environment: DriverEnvironment,
): RegistryDriver {
  const settings = settingsFrom(options);
  const logger = environment.logger.child({ part: 'servicecenter' });
  const http = createHttpClient(settings, () => environment.clock.monotonicMs(), {
    interrupted(detail) {
      logger.debug({ detail }, 'a connection to the registry was interrupted');
      reader.interrupted();
    },
    answered: () => reader.answered(),
  });
  const api = createApi(http);
  const reader: Reader = createReader(
    api,
    settings,
    { ...environment, logger },
    () => http.address,
  );
  const healthFloor = (): HealthFloor | undefined => reader.capabilities?.healthFloor;
  const made = createMadeServices();
  const instances = createInstanceWriter({
    api,
    healthFloor,
    isUnknown(tenant, serviceId, instanceId) {
      if (!reader.knows(tenant, serviceId)) return made.isFirst(tenant, serviceId, instanceId);
      made.seen(tenant, serviceId);
      return reader.lacks(tenant, serviceId, instanceId);
    },
  });

  return {
    kind: 'servicecenter',
    renewBatchSize: renewBatch,
    facts: () => ({
      kind: 'servicecenter',
      address: http.address,
      version: reader.capabilities?.version ?? 'unknown',
      findings:
        reader.capabilities === undefined
          ? {}
          : { ...findingsOf(reader.capabilities), ...reader.findings },
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
    normalise: (instance) => normaliseInstance(instance, healthFloor()),
    ...createServiceWriter(api, logger, made),
    ...instances,
  };
}
