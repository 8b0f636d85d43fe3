// What a server tells of itself: version, capabilities, its own service (servicecenter-api.md §3, §13).

import { hostname } from 'node:os';
import { largestBodyBytes } from './http.ts';
import { registerInstance } from './instances.ts';
import type { Registry } from './registry.ts';
import { ownServiceName } from './govern.ts';
import { createService } from './services.ts';

export interface ServerFacts {
  readonly build: Readonly<Record<string, string>>;
  readonly peerUrl: string;
  readonly selfRegister: boolean;
  /** Set once it has registered itself. */
  ownServiceId: string | undefined;
  ownInstanceId: string | undefined;
}

/** Gives the facts of a server of this release line. */
export function serverFacts(registry: Registry, selfRegister: boolean): ServerFacts {
  const version = registry.context.dialect === '2.x' ? '2.0.0' : '0.0.1';
  return {
    build: {
      version,
      buildTag: 'lab',
      goVersion: 'none',
      os: process.platform,
      arch: process.arch,
    },
    peerUrl: 'http://127.0.0.1:2380',
    selfRegister,
    ownServiceId: undefined,
    ownInstanceId: undefined,
  };
}

/** The answer of the version call. */
export function describeServer(
  registry: Registry,
  facts: ServerFacts,
): { readonly config: object } & Readonly<Record<string, unknown>> {
  const { limits } = registry.context.quotas;
  return {
    ...facts.build,
    apiVersion: '4.0.0',
    config: {
      maxHeaderBytes: 32_768,
      maxBodyBytes: largestBodyBytes,
      enablePProf: false,
      enableCache: registry.context.cacheEnabled,
      enableRBAC: false,
      sslEnabled: 'false',
      selfRegister: facts.selfRegister,
      cacheTTL: 0,
      schemaDisable: false,
      plugins: {
        quota: { name: 'buildin', rule: 100, ...limits },
        registry: { name: 'embeded_etcd' },
      },
    },
  };
}

/** Adds the server's own service and a new instance of it, as `self_register = 1` does at each start. */
export function registerOwnService(registry: Registry, facts: ServerFacts, url: string): void {
  const tenant = { domain: 'default', project: 'default' };
  const who = 'registry';
  const service = {
    serviceName: ownServiceName,
    alias: ownServiceName,
    environment: 'production',
    schemas: ['servicecenter.grpc.api.ServiceCtrl', 'servicecenter.grpc.api.ServiceInstanceCtrl'],
    properties: { allowCrossApp: 'true' },
  };
  facts.ownServiceId = createService(registry.context, tenant, { service }, who);
  facts.ownInstanceId = registerInstance(
    registry.context,
    tenant,
    facts.ownServiceId,
    { hostName: hostname().slice(0, 64), endpoints: [`rest://${new URL(url).host}/`] },
    who,
  );
}
