// The daemon's half of the contract (proto/ipc/contract.ts), answered by its control API. The
// desktop shell and the daemon's web server both stand on this one table.

import type { DaemonHandlers } from '../ipc/contract.ts';
import { SyncerError, type ErrorCode } from '../errors.ts';
import type { HeldSelection } from '../gen/syncer/control/v1/control.ts';
import { controlApi } from './api-version.ts';
import type { ControlClient } from './client.ts';

/** Gives a connection to the daemon, and takes back one that turned out to be broken. */
export interface ControlLink {
  /** Connects on first use and after a failure. Rejects with `SyncerError`. */
  client(): Promise<ControlClient>;
  /** Closes the connection; the next use connects again. */
  drop(): void;
}

/** Makes a link of a function that connects. */
export function controlLink(connect: () => Promise<ControlClient>): ControlLink {
  let current: Promise<ControlClient> | undefined;
  const drop = (): void => {
    const dropped = current;
    current = undefined;
    dropped?.then(
      (client) => client.close(),
      // Whoever awaited it has seen the failure.
      () => undefined,
    );
  };
  return {
    drop,
    async client() {
      const attempt = (current ??= connect());
      try {
        return await attempt;
      } catch (error) {
        if (current === attempt) current = undefined;
        throw error;
      }
    },
  };
}

/** Failures after which the connection itself is in doubt. */
const broken: ReadonlySet<ErrorCode> = new Set(['control.not-running', 'control.no-answer']);
/** A change of the configuration checks files and may probe: longer than a usual answer. */
const configTimeoutMs = 30_000;
/** A query waits for clusters that are slow to answer. */
const queryTimeoutMs = 30_000;

/** Gives handlers that ask the daemon behind `link`; `version` is the caller's own. */
export function contractHandlers(link: ControlLink, version: string): DaemonHandlers {
  const call: ControlClient['call'] = async (name, request, timeoutMs) =>
    dropping(link, async () => (await link.client()).call(name, request, timeoutMs));
  const stream: ControlClient['stream'] = async function* (name, request, signal) {
    const client = await link.client();
    try {
      yield* client.stream(name, request, signal);
    } catch (error) {
      dropIfBroken(link, error);
      throw error;
    }
  };
  return {
    version: () =>
      call('getVersion', {
        clientVersion: version,
        apiMin: controlApi.min,
        apiMax: controlApi.max,
      }),
    watchState: (request, signal) => stream('watchState', request, signal),
    topology: () => call('getTopology', {}),
    services: (request) => call('listServices', request),
    instances: (request) => call('listInstances', request),
    instance: (request) => call('getInstance', request),
    explain: (request) => call('explain', request),
    plan: (request) => call('plan', request),
    held: (request) => call('listHeld', request),
    approve: ({ selection }) => call('approve', selectionMessage(selection)),
    keep: ({ selection, untilMs }) =>
      call('keep', { selection: selectionMessage(selection), untilMs }),
    pause: (request) => call('pause', request),
    resume: (request) => call('resume', request),
    query: (request) => call('query', { ...request, timeoutMs: 0, limit: 0 }, queryTimeoutMs),
    leave: () => call('leave', {}, queryTimeoutMs),
    forceLeave: (request) => call('forceLeave', request),
    keys: (request) => call('keys', request, queryTimeoutMs),
    activity: (request) => call('listActivity', request),
    logs: (request, signal) => stream('streamLogs', { ...request, follow: true }, signal),
    diagnostics: (request, signal) => stream('runDiagnostics', request, signal),
    config: () => call('getConfig', {}),
    validateConfig: (request) => call('validateConfig', request, configTimeoutMs),
    applyConfig: (request) => call('applyConfig', request, configTimeoutMs),
    rollBackConfig: (request) => call('rollBackConfig', request, configTimeoutMs),
  };
}

async function dropping<T>(link: ControlLink, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    dropIfBroken(link, error);
    throw error;
  }
}

function dropIfBroken(link: ControlLink, error: unknown): void {
  if (error instanceof SyncerError && broken.has(error.code)) link.drop();
}

type Selection = Parameters<DaemonHandlers['approve']>[0]['selection'];

function selectionMessage(selection: Selection): HeldSelection {
  if ('ids' in selection) return { which: { $case: 'ids', ids: { ids: selection.ids } } };
  if ('cluster' in selection) return { which: { $case: 'cluster', cluster: selection.cluster } };
  return { which: { $case: 'all', all: true } };
}
