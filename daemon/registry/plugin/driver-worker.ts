// The driver's own thread: makes the driver, does what the port says, and tells what the driver tells.
// Nothing of the syncer lives here; whatever the driver does to this thread is done to it alone.

import { parentPort, workerData } from 'node:worker_threads';
import type { RegistryChange, RegistryCondition } from '../driver.ts';
import { systemClock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import { systemRandom } from '../../support/random.ts';
import type { PluginDriver } from './definition.ts';
import { loadDefinition } from './load-definition.ts';
import { completeOptions } from './option-values.ts';
import type { Order, WorkerSettings } from './orders.ts';

/** Items in one message. Raising it makes fewer, longer pauses on the syncer's thread. */
const frameItems = 2_000;
/** What `facts()` says is sent so often, beside each change and condition. */
const factsEveryMs = 1_000;

const port = parentPort;
const settings = workerData as WorkerSettings;
if (port === null) throw new Error('a driver runs in a thread of its own');

const post = (message: unknown): void => port.postMessage(message);

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function loggerTo(): Logger {
  const log =
    (level: string): Logger['info'] =>
    (fields, message) => {
      const { err, ...rest } = fields as { err?: unknown };
      const more = err === undefined ? '' : `: ${textOf(err)}`;
      const shown = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
      post({ type: 'log', level, message: `${message}${more}${shown}`.slice(0, 4_000) });
    };
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  };
  return logger;
}

async function make(): Promise<PluginDriver> {
  const { definition, description } = await loadDefinition(settings.url);
  return definition.create(completeOptions(description, settings.options), {
    clock: systemClock,
    random: systemRandom,
    logger: loggerTo(),
    errorText(code, detail = '') {
      const text = description.errors[code]?.en;
      if (text === undefined) throw new TypeError(`the driver's definition has no error '${code}'`);
      return `${code}: ${text}${detail === '' ? '' : ` (${detail})`}`;
    },
  });
}

function serve(driver: PluginDriver): void {
  const calls = new Map<number, AbortController>();
  let changes = 0;
  const sendFacts = (): void => post({ type: 'facts', facts: driver.facts() });
  const observer = {
    changed(change: RegistryChange) {
      for (const frame of framesOf(change, changes)) post(frame);
      changes += 1;
      sendFacts();
    },
    condition(condition: RegistryCondition) {
      post({ type: 'condition', condition });
      sendFacts();
    },
  };
  port?.on('message', (order: Order) => {
    switch (order.type) {
      case 'start':
        driver.start(observer, order.memory);
        setInterval(sendFacts, factsEveryMs).unref();
        break;
      case 'wake':
        driver.wake();
        break;
      case 'ping':
        post({ type: 'pong', id: order.id });
        break;
      case 'cancel':
        calls.get(order.id)?.abort(new Error('the syncer no longer wants it'));
        break;
      case 'call': {
        const abort = new AbortController();
        calls.set(order.id, abort);
        const method = driver[order.method] as (...args: readonly unknown[]) => Promise<unknown>;
        void (async () => method.call(driver, ...order.args, abort.signal))()
          .then(
            (result) => post({ type: 'result', id: order.id, result }),
            (error: unknown) => post({ type: 'threw', id: order.id, message: textOf(error) }),
          )
          .catch((error: unknown) => {
            // A result that cannot be sent (a function in it).
            post({ type: 'threw', id: order.id, message: textOf(error) });
          })
          .finally(() => calls.delete(order.id));
        break;
      }
      case 'stop':
        void (async () => driver.stop())()
          .catch((error: unknown) => {
            post({ type: 'log', level: 'warn', message: `stop failed: ${textOf(error)}` });
          })
          .finally(() => post({ type: 'stopped' }));
        break;
    }
  });
  post({ type: 'made' });
  sendFacts();
}

/** A change in messages of bounded size; the last one says that it is whole. */
function* framesOf(change: RegistryChange, number: number): Generator<object> {
  const rest = {
    services: [...change.services],
    instances: [...change.instances],
    removedInstances: [...change.removedInstances],
    removedServices: [...change.removedServices],
  };
  const left = (): number => Object.values(rest).reduce((sum, items) => sum + items.length, 0);
  do {
    const part = {
      services: rest.services.splice(0, frameItems),
      instances: rest.services.length > 0 ? [] : rest.instances.splice(0, frameItems),
      removedInstances:
        rest.instances.length > 0 ? [] : rest.removedInstances.splice(0, frameItems),
      removedServices:
        rest.removedInstances.length > 0 ? [] : rest.removedServices.splice(0, frameItems),
    };
    const last = left() === 0;
    yield { type: 'frame', change: number, last, ...part, seenAtMs: change.seenAtMs };
    if (last) return;
  } while (true);
}

try {
  serve(await make());
} catch (error) {
  post({ type: 'not-made', stage: 'load', message: textOf(error) });
}
