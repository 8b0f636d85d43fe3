// What kind of server answers, found by asking it (servicecenter-api.md §3, §15).

import type { Outcome } from '../common/trouble.ts';
import { codes, isRefusal, type ServiceCenterApi } from './api.ts';
import type { HealthFloor } from './content.ts';
import type { Tenant } from './options.ts';
import { objectOf } from './wire.ts';

export interface Capabilities {
  /** What the server calls itself; releases cannot be told apart by it. */
  readonly version: string;
  /** `false`: cached reads are frozen for two minutes (§12): every read goes past the cache. */
  readonly cache: boolean;
  readonly batchHeartbeat: '1.x' | '2.x' | 'unknown';
  readonly findWithoutVersion: 'refused' | 'accepted' | 'unknown';
  readonly healthFloor: HealthFloor | undefined;
  readonly quota: { readonly services: number; readonly instances: number } | undefined;
  readonly rbac: boolean;
}

/** An id that no registry has: the probes must find nothing. */
const nobody = 'syncer-probe-of-nobody';

/** Asks; gives the trouble of the version call when that fails, for without it nothing is known. */
export async function findCapabilities(
  api: ServiceCenterApi,
  tenant: Tenant,
): Promise<Outcome<Capabilities>> {
  const version = await api.version();
  if (!version.ok) return version;
  const body = objectOf(version.value, 'version');
  const config = asObject(body.config);
  const quota = asObject(asObject(config.plugins).quota);
  const batchHeartbeat = await probeHeartbeat(api, tenant);
  const findWithoutVersion = await probeFind(api, tenant);
  return {
    ok: true,
    value: {
      version: typeof body.version === 'string' ? body.version : 'unknown',
      cache: config.enableCache !== false,
      batchHeartbeat,
      findWithoutVersion,
      // Only 2.x raises health checks, and only 2.x finds without a version.
      healthFloor: findWithoutVersion === 'accepted' ? { interval: 5, times: 3 } : undefined,
      quota:
        typeof quota.service === 'number' && typeof quota.instance === 'number'
          ? { services: quota.service, instances: quota.instance }
          : undefined,
      rbac: config.enableRBAC === true,
    },
  };
}

/** Gives the capabilities as the findings of `RegistryFacts`. */
export function findingsOf(found: Capabilities): Record<string, string> {
  return {
    cache: found.cache ? 'on' : 'off: every read goes past it',
    'batch-heartbeat': found.batchHeartbeat,
    'find-without-version': found.findWithoutVersion,
    'health-check-floor':
      found.healthFloor === undefined
        ? 'none'
        : `${found.healthFloor.interval}/${found.healthFloor.times}`,
    quota:
      found.quota === undefined
        ? 'not said'
        : `${found.quota.services} services, ${found.quota.instances} instances`,
    rbac: found.rbac ? 'on' : 'off',
  };
}

/** A heartbeat for nobody: 1.x refuses the batch, 2.x answers with a list. Nothing is renewed. */
async function probeHeartbeat(
  api: ServiceCenterApi,
  tenant: Tenant,
): Promise<Capabilities['batchHeartbeat']> {
  const pair = { serviceId: nobody, instanceId: nobody };
  const body = JSON.stringify({ instances: [pair] });
  const answer = await api.raw(tenant, 'PUT', '/registry/heartbeats', body);
  if (isRefusal(answer, codes.instanceGone)) return '1.x';
  return answer.kind === 'ok' && answer.body !== undefined ? '2.x' : 'unknown';
}

/** A find without version for nobody: 1.x refuses the parameters, 2.x looks for the service. */
async function probeFind(
  api: ServiceCenterApi,
  tenant: Tenant,
): Promise<Capabilities['findWithoutVersion']> {
  const query = `appId=${nobody}&serviceName=${nobody}`;
  const answer = await api.raw(tenant, 'GET', `/registry/instances?${query}`);
  if (isRefusal(answer, codes.invalid)) return 'refused';
  return isRefusal(answer, codes.serviceGone) || answer.kind === 'ok' ? 'accepted' : 'unknown';
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
