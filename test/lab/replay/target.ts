// What a scenario is replayed against: the lab on a virtual clock, or a real ServiceCenter.

import { startLabRegistry, type LabOptions } from '../../../daemon/lab/lab.ts';
import { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import { startServiceCenter } from '../../support/servicecenter.ts';
import type { Scenario } from './transcript.ts';

export type Restart = 'stop' | 'kill' | 'empty-data';

export interface Target {
  readonly url: string;
  /** How long a read may lag behind a write, milliseconds; until then a differing read is repeated. */
  readonly lagMs: number;
  /** Milliseconds of the clock that the server follows. */
  nowMs(): number;
  /** Lets so much of that time pass; `settle` is awaited whenever something may have happened. */
  pass(ms: number, settle: () => Promise<void>): Promise<void>;
  restart(how: Restart): Promise<void>;
  close(): Promise<void>;
}

/** Steps of virtual time between two looks at what has arrived. */
const stepMs = 50;

/** Starts a lab set up as the scenario's server was. */
export async function labTarget(scenario: Scenario): Promise<Target> {
  const clock = new VirtualClock();
  const lab = await startLabRegistry({ clock, ...labOptions(scenario) });
  return {
    url: lab.url,
    lagMs: 0,
    nowMs: () => clock.monotonicMs(),
    async pass(ms, settle) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed));
        await settle();
      }
    },
    restart: (how) =>
      lab.faults.set({ restart: { data: how === 'empty-data' ? 'lose' : 'keep', downMs: 0 } }),
    close: () => lab.close(),
  };
}

function labOptions({ server }: Scenario): LabOptions {
  const { env = {}, conf = {} } = server ?? {};
  const known = ['QUOTA_SERVICE', 'QUOTA_INSTANCE', 'SCHEMA_EDITABLE', 'self_register'];
  for (const key of Object.keys(env)) {
    if (!known.includes(key)) throw new Error(`the lab has no setting for ${key}`);
  }
  for (const key of Object.keys(conf)) {
    if (key !== 'enable_cache') throw new Error(`the lab has no setting for ${key}`);
  }
  const quotas = {
    ...(env.QUOTA_SERVICE === undefined ? {} : { service: Number(env.QUOTA_SERVICE) }),
    ...(env.QUOTA_INSTANCE === undefined ? {} : { instance: Number(env.QUOTA_INSTANCE) }),
  };
  return {
    quotas,
    schemaEditable: env.SCHEMA_EDITABLE === 'true',
    selfRegister: env.self_register === '1',
    enableCache: conf.enable_cache !== '0',
  };
}

/** Starts a real server set up as the scenario's was. */
export async function realTarget(scenario: Scenario): Promise<Target> {
  const { self_register: selfRegister, ...env } = scenario.server?.env ?? {};
  const conf = {
    ...scenario.server?.conf,
    ...(selfRegister === undefined ? {} : { self_register: selfRegister }),
  };
  const center = await startServiceCenter({ conf, env });
  return {
    url: center.address,
    lagMs: 3_000,
    nowMs: () => performance.now(),
    async pass(ms, settle) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      await settle();
    },
    async restart(how) {
      await center.end(how === 'kill' ? 'kill' : 'stop');
      await center.begin({ emptyData: how === 'empty-data' });
    },
    close: () => center.close(),
  };
}
