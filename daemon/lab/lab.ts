// A lab registry: the model, its listener, its faults and its history, started and closed as one.

import { sleep, systemClock, type Clock } from '../support/clock.ts';
import { systemRandom, type Random } from '../support/random.ts';
import type { Dialect } from './context.ts';
import { Faults, type FaultActions } from './faults.ts';
import type { HistoryPage } from './history.ts';
import type { QuotaLimits } from './quotas.ts';
import { Registry } from './registry.ts';
import { registerOwnService, serverFacts } from './server-facts.ts';
import { LabServer } from './server.ts';
import { Watches } from './watch.ts';

export interface LabOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** The name of the server, shown as `cluster` in the dump. Default `sc-0`. */
  readonly name?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** How it answers where releases differ. Default `1.x`, as 1.4.8. */
  readonly dialect?: Dialect;
  /** False: as `enable_cache=0`. Default true. */
  readonly enableCache?: boolean;
  readonly quotas?: Partial<QuotaLimits>;
  /** As SCHEMA_EDITABLE. Default false. */
  readonly schemaEditable?: boolean;
  /** Adds the service SERVICECENTER, as `self_register=1`. Default false. */
  readonly selfRegister?: boolean;
  /** How many changes `history` keeps. Default 500,000; raising it costs about 300 bytes each. */
  readonly historyLimit?: number;
}

export interface LabRegistry {
  /** `http://host:port`, the same after a restart. */
  readonly url: string;
  /** The model itself, for reading without HTTP. */
  readonly registry: Registry;
  readonly faults: Faults;
  /** Changes after `since`, oldest first. */
  history(since?: number, limit?: number): HistoryPage;
  close(): Promise<void>;
}

/** After a pause the first answers still show what has run out meanwhile (servicecenter-api.md §12). */
const noticeAfterPauseMs = 10;

/** Starts a registry that answers as a ServiceCenter. Rejects if the address cannot be taken. */
export async function startLabRegistry(options: LabOptions = {}): Promise<LabRegistry> {
  const clock = options.clock ?? systemClock;
  const registry = new Registry({
    clock,
    name: options.name ?? 'sc-0',
    dialect: options.dialect ?? '1.x',
    enableCache: options.enableCache ?? true,
    quotas: options.quotas ?? {},
    schemaEditable: options.schemaEditable ?? false,
    historyLimit: options.historyLimit ?? 500_000,
  });
  const facts = serverFacts(registry, options.selfRegister ?? false);
  const watches = new Watches(registry, clock);
  const closed = new AbortController();
  const server = new LabServer({
    registry,
    facts,
    clock,
    faults: () => faults,
    onUpgrade: (request, socket, head) => watches.upgrade(request, socket, head),
  });

  const tell = (what: string): void =>
    registry.history.record({ kind: 'server', cause: 'fault', who: 'registry', what });
  const startOwn = (): void => {
    if (facts.selfRegister) registerOwnService(registry, facts, server.url);
  };
  const pauses = { count: 0 };
  const actions: FaultActions = {
    async pause(forMs) {
      tell(`pause ${forMs} ms`);
      pauses.count += 1;
      server.pause();
      watches.pause();
      registry.context.leases.pause();
      await sleep(clock, forMs, closed.signal).catch(() => undefined);
      pauses.count -= 1;
      if (pauses.count > 0) return;
      server.resume();
      watches.resume();
      registry.context.leases.resume(noticeAfterPauseMs);
      tell('resume');
    },
    async refuse(forMs) {
      tell(`refuse ${forMs} ms`);
      await server.stop();
      await sleep(clock, forMs, closed.signal).catch(() => undefined);
      await server.startAgain();
      tell('accept');
    },
    async restart(data, downMs) {
      tell(`restart, data: ${data}, down ${downMs} ms`);
      registry.context.leases.pause();
      watches.dropAll();
      await server.stop();
      if (data === 'lose') registry.loseData();
      if (downMs > 0) await sleep(clock, downMs, closed.signal).catch(() => undefined);
      registry.restartLeases();
      registry.context.leases.resume(0);
      startOwn();
      await server.startAgain();
      tell('started');
    },
    loseData() {
      tell('data lost');
      registry.loseData();
    },
    settings(settings) {
      registry.context.cache.visibleShare = settings.visibleShare;
      tell(`faults ${JSON.stringify(settings)}`);
    },
  };
  const faults = new Faults(clock, options.random ?? systemRandom, actions);

  await server.listen(options.host ?? '127.0.0.1', options.port ?? 0);
  startOwn();
  // The process lives until the lab is closed, also while its port is.
  const alive = setInterval(() => undefined, 2 ** 30);
  return {
    get url() {
      return server.url;
    },
    registry,
    faults,
    history: (since, limit) => registry.history.page(since, limit),
    async close() {
      clearInterval(alive);
      closed.abort(new Error('the lab was closed'));
      faults.clear();
      watches.close();
      await server.close();
      registry.close();
    },
  };
}
