// The drivers that have a published report, each with the registry that it was tried on.

import type { RegistryFixture } from '../registry-driver.ts';
import { labFixture } from '../lab-fixture.ts';
import { consulTool } from '../../interop/consul/consul-server.ts';
import { consulFixture } from '../../interop/consul/fixture.ts';
import { eurekaTool } from '../../interop/eureka/eureka-server.ts';
import { eurekaFixture } from '../../interop/eureka/fixture.ts';
import { nacosFixture } from '../../interop/nacos/fixture.ts';
import { fastLists, nacosTool, startNacos } from '../../interop/nacos/nacos-server.ts';
import { realFixture } from '../../interop/servicecenter/fixture.ts';
import { serviceCenterBinary } from '../../support/servicecenter.ts';

/** Fixtures of one kind, until `close`. */
export interface Registries {
  makeFixture(): Promise<RegistryFixture>;
  close(): Promise<void>;
}

export interface ReportedKind {
  /** The folder of its report. */
  readonly folder: string;
  /** What `--sc-plugin` calls the driver. */
  readonly kind: string;
  /** Of the page; `version` is what the server says of itself. */
  title(version: string): string;
  /** Why it cannot be tried here; `undefined`: it can. */
  readonly missing: string | undefined;
  open(): Promise<Registries>;
}

/** A registry for each fixture. */
const each =
  (makeFixture: () => Promise<RegistryFixture>): (() => Promise<Registries>) =>
  async () => ({ makeFixture, close: async () => undefined });

const missingOf = (tool: object): string | undefined =>
  'missing' in tool ? String(tool.missing) : undefined;

export const builtInKinds: readonly ReportedKind[] = [
  {
    folder: 'lab',
    kind: 'servicecenter',
    // What it says is the version of its API.
    title: () => 'ServiceComb ServiceCenter (the lab)',
    missing: undefined,
    open: each(labFixture),
  },
  {
    folder: 'servicecenter',
    kind: 'servicecenter',
    title: () => 'ServiceComb ServiceCenter',
    missing: missingOf(serviceCenterBinary),
    open: each(() => realFixture()),
  },
  {
    folder: 'eureka',
    kind: 'eureka',
    // It does not say which one it is.
    title: () => 'Netflix Eureka',
    missing: missingOf(eurekaTool),
    open: each(eurekaFixture),
  },
  {
    folder: 'nacos',
    kind: 'nacos',
    title: (version) => `Alibaba Nacos ${version}`,
    missing: missingOf(nacosTool),
    async open() {
      const server = await startNacos({ properties: fastLists });
      return { makeFixture: () => nacosFixture(server), close: () => server.close() };
    },
  },
  {
    folder: 'consul',
    kind: 'consul',
    title: (version) => `HashiCorp Consul ${version}`,
    missing: missingOf(consulTool),
    open: each(consulFixture),
  },
];
