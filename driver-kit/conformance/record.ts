// The transcript of a promise: what the driver was asked, what it answered, what it told.

import type {
  RegistryChange,
  RegistryCondition,
  RegistryDriver,
  WriteResult,
} from '../../daemon/registry/driver.ts';

/** One line of a transcript. */
export interface TranscriptLine {
  /** Milliseconds since the promise began. */
  readonly atMs: number;
  readonly kind: 'asked' | 'answered' | 'told' | 'condition';
  readonly text: string;
}

/** Takes lines while a promise is tried. */
export type TranscriptSink = (kind: TranscriptLine['kind'], text: string) => void;

const longestText = 300;

/** Gives the driver with everything that passes written down. */
export function recordDriver(driver: RegistryDriver, sink: () => TranscriptSink): RegistryDriver {
  const asked = async <T>(
    name: string,
    subject: string,
    call: () => Promise<WriteResult<T>>,
  ): Promise<WriteResult<T>> => {
    sink()('asked', `${name} ${subject}`);
    try {
      const result = await call();
      const text = result.ok
        ? `ok${result.value === undefined ? '' : ` ${short(result.value)}`}`
        : `${result.failure.code}: ${result.failure.detail}`;
      sink()('answered', `${name} ${text}`);
      return result;
    } catch (error) {
      sink()('answered', `${name} rejected: ${String(error)}`);
      throw error;
    }
  };
  return {
    kind: driver.kind,
    renewBatchSize: driver.renewBatchSize,
    facts: () => driver.facts(),
    normalise: (instance) => driver.normalise(instance),
    start(observer, memory) {
      sink()('asked', memory === undefined ? 'start' : `start, ${memory.known} known`);
      driver.start(
        {
          changed(change) {
            sink()('told', textOfChange(change));
            observer.changed(change);
          },
          condition(condition) {
            sink()('condition', textOfCondition(condition));
            observer.condition(condition);
          },
        },
        memory,
      );
    },
    stop: () => driver.stop(),
    wake() {
      sink()('asked', 'wake');
      driver.wake();
    },
    ensureService: (service, origin, signal) =>
      asked('ensureService', service.name, () => driver.ensureService(service, origin, signal)),
    updateService: (service, origin, signal) =>
      asked('updateService', service.name, () => driver.updateService(service, origin, signal)),
    releaseService: (ref, signal) =>
      asked('releaseService', ref.serviceId, () => driver.releaseService(ref, signal)),
    removeService: (ref, signal) =>
      asked('removeService', ref.serviceId, () => driver.removeService(ref, signal)),
    putInstance: (key, copy, signal) =>
      asked('putInstance', copy.instanceId, () => driver.putInstance(key, copy, signal)),
    removeInstance: (ref, origin, signal) =>
      asked('removeInstance', ref.instanceId, () => driver.removeInstance(ref, origin, signal)),
    renew: (refs, signal) =>
      asked('renew', refs.map(({ instanceId }) => instanceId).join(', '), () =>
        driver.renew(refs, signal),
      ),
    readInstance: (ref, signal) =>
      asked('readInstance', ref.instanceId, () => driver.readInstance(ref, signal)),
  };
}

function textOfChange(change: RegistryChange): string {
  const parts = [
    ...change.services.map(({ name, serviceId }) => `service ${name} (${serviceId})`),
    ...change.instances.map(({ instanceId, status }) => `instance ${instanceId} ${status}`),
    ...change.removedInstances.map(({ instanceId, proof }) => `−instance ${instanceId} ${proof}`),
    ...change.removedServices.map(({ serviceId, proof }) => `−service ${serviceId} ${proof}`),
  ];
  return parts.length === 0 ? 'an empty view' : cut(parts.join('; '));
}

function textOfCondition(condition: RegistryCondition): string {
  return condition.state === 'answering'
    ? condition.state
    : cut(`${condition.reason}: ${condition.detail}`);
}

function short(value: unknown): string {
  return cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
