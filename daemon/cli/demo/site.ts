// One site of the demo: a lab registry and a syncer beside it, both in this process, as the product
// runs them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { thisMachine } from '../../config/machine.ts';
import { startLabRegistry, type LabRegistry } from '../../lab/lab.ts';
import { LogRing } from '../../observability/log-ring.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSyncer } from '../../syncer.ts';
import { createConfigAccess } from '../../wiring/config-access.ts';

export interface DemoSite {
  readonly cluster: string;
  readonly url: string;
  readonly gossip: string;
  close(): Promise<void>;
}

/** Starts a site on free ports of the loopback address; `join` is the gossip address of another. */
export async function startDemoSite(cluster: string, join_: string | undefined): Promise<DemoSite> {
  const lab = await startLabRegistry({ name: `sc-${cluster}` });
  const dataDir = await mkdtemp(join(tmpdir(), `syncer-demo-${cluster}-`));
  try {
    const syncer = demoSyncer(cluster, lab, dataDir, join_);
    const { gossip } = await syncer.start();
    return {
      cluster,
      url: lab.url,
      gossip,
      async close() {
        await syncer.stop();
        await clear(lab, dataDir);
      },
    };
  } catch (error) {
    await clear(lab, dataDir);
    throw error;
  }
}

async function clear(lab: LabRegistry, dataDir: string): Promise<void> {
  await lab.close();
  await rm(dataDir, { recursive: true, force: true });
}

function demoSyncer(
  cluster: string,
  lab: LabRegistry,
  dataDir: string,
  join_: string | undefined,
): ReturnType<typeof createSyncer> {
  const input = {
    flags: {
      'sc-addr': lab.url,
      'bind-addr': '127.0.0.1:0',
      'rpc-addr': '127.0.0.1:0',
      'cluster-name': cluster,
      node: `${cluster}-${process.pid}`,
      'data-dir': dataDir,
      profile: 'local',
      ...(join_ === undefined ? {} : { 'join-addr': join_ }),
    },
    // The demo is the same on every machine: nothing of the environment enters it.
    environment: {},
    readFile: () => '',
    machine: thisMachine({}),
  };
  const loaded = loadConfig(input);
  if (loaded.config === undefined) throw new Error(JSON.stringify(loaded.problems));
  return createSyncer(loaded.config, {
    version: 'demo',
    logger: silentLogger,
    logs: new LogRing(),
    configAccess: createConfigAccess({ input, loaded, onApplied: () => undefined }),
  });
}
