// The official Java client of ServiceComb as a process that takes orders: what applications in the
// field use, so that a test can stand in their place.

import { javaMissing, startJavaProcess } from './java-process.ts';

/** Undefined where it can be started, else what is missing. */
export const javaClientMissing = javaMissing;

/** What the client tells of an instance; the fields are those of the v4 API. */
interface JavaInstance {
  readonly serviceId: string;
  readonly instanceId: string;
  readonly hostName: string;
  readonly status: string;
  readonly version: string;
  readonly endpoints?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
}

interface JavaFound {
  /** False: the revision is still the one that was sent. */
  readonly modified: boolean;
  readonly revision: string;
  readonly instances?: readonly JavaInstance[];
}

export interface JavaClient {
  registerService(service: object): Promise<string>;
  registerSchema(serviceId: string, schemaId: string, schema: object): Promise<boolean>;
  register(instance: object): Promise<string>;
  heartbeat(serviceId: string, instanceId: string): Promise<boolean>;
  heartbeats(instances: readonly { serviceId: string; instanceId: string }[]): Promise<boolean>;
  /** Finds as this consumer, whose environment counts; the version defaults to all. */
  find(order: {
    readonly consumerId: string;
    readonly appId: string;
    readonly serviceName: string;
    readonly version?: string;
    readonly revision?: string;
  }): Promise<JavaFound>;
  /** The services that the client sees. */
  services(): Promise<readonly { serviceId: string; serviceName: string }[]>;
  /** Watches as this consumer; what comes is added to `changes`. */
  watch(serviceId: string): Promise<boolean>;
  unregister(serviceId: string, instanceId: string): Promise<boolean>;
  /** What the watch has heard so far, oldest first. */
  readonly changes: readonly { readonly appId: string; readonly serviceName: string }[];
  close(): Promise<void>;
}

const project = new URL('../interop/java-client/', import.meta.url).pathname;
/** Starts the client against a registry; rejects, with what it said, if it does not come up. */
export async function startJavaClient(url: string): Promise<JavaClient> {
  const client = await startJavaProcess(project, [url]);
  const ask = <T>(command: string, order: object): Promise<T> =>
    client.ask(command, order) as Promise<T>;
  return {
    registerService: (service) => ask('registerService', { service }),
    registerSchema: (serviceId, schemaId, schema) =>
      ask('registerSchema', { serviceId, schemaId, schema }),
    register: (instance) => ask('register', { instance }),
    heartbeat: (serviceId, instanceId) => ask('heartbeat', { serviceId, instanceId }),
    heartbeats: (instances) => ask('heartbeats', { instances }),
    find: (order) => ask('find', order),
    services: () => ask('services', {}),
    watch: (serviceId) => ask('watch', { serviceId }),
    unregister: (serviceId, instanceId) => ask('unregister', { serviceId, instanceId }),
    get changes() {
      return client.events.map(({ appId, serviceName }) => ({
        appId: String(appId),
        serviceName: String(serviceName),
      }));
    },
    close: () => client.close(),
  };
}
