// A registry in memory that behaves: what the animals of the zoo are made of. Each of them breaks one
// thing of it.

import {
  createSnapshotFeed,
  defineDriver,
  done,
  type DriverDefinition,
  type Instance,
  type PluginDriver,
  type PluginEnvironment,
  type Service,
} from '@servicecenter-syncer/driver-kit';

const service: Service = {
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'zoo',
  name: 'herd',
  version: '1.0.0',
  serviceId: 'herd',
  alias: '',
  description: '',
  level: 'BACK',
  status: 'UP',
  registerBy: 'SDK',
  framework: undefined,
  properties: {},
  tags: {},
  schemas: [],
  paths: [],
};

/** Gives an instance of the herd; its lease is 2 s. */
function instanceOf(number: number): Instance {
  return {
    serviceId: 'herd',
    instanceId: `animal-${number}`,
    endpoints: [`rest://10.0.0.${number}:80`],
    hostName: 'zoo',
    status: 'UP',
    properties: {},
    healthCheck: { mode: 'push', port: 0, interval: 1, times: 1, url: '' },
    dataCenterInfo: undefined,
    version: '1.0.0',
  };
}

export const herd = {
  services: [service],
  instances: Array.from({ length: 20 }, (_, index) => instanceOf(index + 1)),
};

/** What breaks: given the driver that behaves, gives the one that does not. */
type Break = (driver: PluginDriver, environment: PluginEnvironment) => Partial<PluginDriver>;

/** Gives a definition of a driver that behaves, but for `breaks`. */
export function animal(kind: string, breaks: Break = () => ({})): DriverDefinition {
  return defineDriver({
    api: 1,
    kind,
    title: { en: kind },
    create(_options, environment) {
      const feed = createSnapshotFeed({
        clock: environment.clock,
        logger: environment.logger,
        address: () => 'memory:zoo',
        ownersWaitMs: 100,
        again: () => undefined,
      });
      const behaves: PluginDriver = {
        facts: () => ({
          kind,
          address: 'memory:zoo',
          version: '1',
          findings: {},
          roundMs: 1,
          intervalMs: 1,
        }),
        start(observer, memory) {
          feed.start(observer, memory);
          feed.seen(herd);
        },
        stop: async () => feed.stop(),
        wake: () => feed.seen(herd),
        ensureService: async () => ({
          ok: true,
          value: { serviceId: 'herd', created: false, ours: false },
        }),
        updateService: async () => done,
        releaseService: async () => done,
        removeService: async () => done,
        putInstance: async () => done,
        removeInstance: async () => done,
        renew: async () => ({ ok: true, value: { missing: [] } }),
        readInstance: async (ref) => ({
          ok: true,
          value: herd.instances.find(({ instanceId }) => instanceId === ref.instanceId),
        }),
      };
      return { ...behaves, ...breaks(behaves, environment) };
    },
  });
}
