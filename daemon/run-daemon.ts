// `syncer daemon` behind its command: logging first, then the syncer, until somebody ends it.

import { join } from 'node:path';
import { exitCodes } from '../proto/errors.ts';
import type { ConfigInput, LoadedConfig } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { createLogger } from './observability/logger.ts';
import { LogRing } from './observability/log-ring.ts';
import { RotatingFile } from './observability/rotating-file.ts';
import { createSyncer } from './syncer.ts';
import { createConfigAccess } from './wiring/config-access.ts';

export interface DaemonRun {
  readonly config: Config;
  readonly loaded: LoadedConfig;
  readonly input: ConfigInput;
  readonly version: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly interrupt: AbortSignal;
}

/** Runs a daemon to its end and gives the exit code. Rejects with a `SyncerError` if it cannot start. */
export async function runDaemon(run: DaemonRun): Promise<number> {
  const { config, interrupt } = run;
  const ring = new LogRing();
  const logger = createLogger({
    level: config.log.level,
    format: config.log.format,
    output: process.stdout,
    ring,
    ...(config.log.file ? { file: logFile(config) } : {}),
    secrets: secretsOf(config),
  });
  const syncer = createSyncer(config, {
    version: run.version,
    logger,
    logs: ring,
    configAccess: createConfigAccess({
      input: run.input,
      loaded: run.loaded,
      onApplied: ({ rules, guard }) => syncer.setRules(rules, guard),
    }),
  });
  const addresses = await syncer.start();
  logger.info(
    { ...addresses, version: run.version, cluster: config.clusterName, node: config.node },
    'ready',
  );
  const reason = await Promise.race([syncer.asked, aborted(interrupt)]);
  logger.info({ reason }, `stopping: ${reason}`);
  await syncer.stop();
  logger.info({}, 'stopped');
  return reason === 'evicted' || reason === 'refused' ? exitCodes.config : exitCodes.ok;
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('interrupted');
    else signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
}

function logFile({ dataDir, log }: Config): RotatingFile {
  return new RotatingFile({
    file: join(dataDir, 'syncer.log'),
    maxBytes: log.fileMaxMb * 1024 * 1024,
    kept: log.filesKept,
  });
}

function secretsOf({ registry, gossip, cluster }: Config): readonly string[] {
  const { password, token } = registry.credentials;
  const etcd = cluster.etcdCredentials.password;
  return [password, token, etcd, ...gossip.keys].filter((secret) => secret !== undefined);
}
