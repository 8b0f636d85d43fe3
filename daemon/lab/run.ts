// `syncer lab`: several registries on consecutive ports, with load on them, until it is stopped.

import { systemClock, type Clock } from '../support/clock.ts';
import { systemRandom, type Random } from '../support/random.ts';
import { startLabRegistry, type LabOptions, type LabRegistry } from './lab.ts';
import { startLoad, type Load, type LoadOptions } from './load.ts';

export interface RunLabOptions {
  /** How many registries. Default 1. */
  readonly registries?: number;
  readonly host?: string;
  /** The port of the first; the next ones follow. Default 30100; 0: free ones. */
  readonly port?: number;
  /** Set-up of every registry; the names are `sc-0`, `sc-1`, ... */
  readonly registry?: Omit<LabOptions, 'host' | 'port' | 'name' | 'clock' | 'random'>;
  /** Applications of each registry; missing: none. Their ids begin with the name of the registry. */
  readonly load?: Omit<LoadOptions, 'prefix'>;
  /** Seconds between two lines of counts. Default 10; 0: none. */
  readonly reportSeconds?: number;
}

export interface RunLabPorts {
  /** Takes what there is to tell, a line at a time. */
  readonly onLine: (line: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningLab {
  readonly registries: readonly LabRegistry[];
  readonly loads: readonly Load[];
  /** Stops the load and closes the registries. */
  close(): Promise<void>;
}

/** Starts the registries and their load. Rejects, with all closed, if an address or a call fails. */
export async function runLab(options: RunLabOptions, ports: RunLabPorts): Promise<RunningLab> {
  const { onLine, clock = systemClock, random = systemRandom } = ports;
  const registries: LabRegistry[] = [];
  const loads: Load[] = [];
  const stop = new AbortController();
  const close = async (): Promise<void> => {
    stop.abort();
    await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(registries.map((lab) => lab.close()));
  };
  try {
    const firstPort = options.port ?? 30_100;
    for (let index = 0; index < (options.registries ?? 1); index++) {
      const lab = await startLabRegistry({
        ...options.registry,
        host: options.host ?? '127.0.0.1',
        port: firstPort === 0 ? 0 : firstPort + index,
        name: `sc-${String(index)}`,
        clock,
        random,
      });
      registries.push(lab);
      onLine(`registry sc-${String(index)} listens on ${lab.url}`);
    }
    if (options.load !== undefined) {
      for (const [index, lab] of registries.entries()) {
        const prefix = `sc${String(index)}`;
        loads.push(await startLoad(lab.url, { ...options.load, prefix }, { clock, random }));
        onLine(`sc-${String(index)} holds ${describe(loads[index])}`);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  const everyMs = (options.reportSeconds ?? 10) * 1000;
  const report = (): void => {
    if (stop.signal.aborted) return;
    for (const [index, load] of loads.entries()) onLine(`sc-${String(index)}: ${describe(load)}`);
    clock.after(everyMs, report);
  };
  if (everyMs > 0 && loads.length > 0) clock.after(everyMs, report);
  return { registries, loads, close };
}

function describe(load: Load | undefined): string {
  if (load === undefined) return 'nothing';
  const counts = load.statistics();
  const error = counts.lastError === undefined ? '' : `, last error: ${counts.lastError}`;
  return (
    `${counts.services} services, ${counts.instances} instances, ${counts.heartbeats} heartbeats, ` +
    `${counts.changes} changes, ${counts.restarts} restarts, ${counts.registeredAgain} registered again, ` +
    `${counts.errors} errors${error}`
  );
}
