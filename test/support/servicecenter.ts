// A real ServiceCenter for tests: its release binary, 1.x or 2.x, named by SERVICECENTER_BIN, with a conf
// that is written here (servicecenter-api.md §1), in a directory of its own, on free loopback ports.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import type { EtcdMember } from '../../daemon/cluster/etcd-member.ts';
import type { CertificateFiles } from './certificates.ts';
import { startLoneEtcd } from './lone-etcd.ts';

/** The binary's path, or why there is none (the name of a skipped test says it). */
export const serviceCenterBinary:
  { readonly path: string; readonly is2x: boolean } | { readonly missing: string } =
  binaryFromEnvironment();

/** What a test may vary of the server. */
export interface ServiceCenterSettings {
  /** `conf/app.conf` keys beside or instead of those below (`enable_cache: 0`); 2.x knows some. */
  readonly conf?: Readonly<Record<string, string | number>>;
  /** Serves TLS alone, and wants a client certificate of the same authority. */
  readonly tls?: { readonly server: CertificateFiles; readonly client: CertificateFiles };
  /** Wants a login (2.x alone); the account is `root`. */
  readonly rootPassword?: string;
  /** Environment of the process (`QUOTA_SERVICE`, `SCHEMA_EDITABLE`). */
  readonly env?: Readonly<Record<string, string>>;
}

/** One running server. Its address stays the same over restarts. */
export interface RealServiceCenter {
  /** `http://127.0.0.1:PORT`, `https` with TLS. */
  readonly address: string;
  readonly pid: number | undefined;
  /** `kill` (-9) or `stop` (SIGTERM, up to 10 s, then -9); resolves when the process has ended. */
  end(way: 'kill' | 'stop'): Promise<void>;
  /** Starts it again after `end`; with `emptyData` it comes up as a new server. */
  begin(options?: { readonly emptyData: boolean }): Promise<void>;
  /** Makes new keys, so that no token that was given before holds after the next `begin`. */
  renewTokenKeys(): void;
  /** SIGSTOP: connections stay, nothing answers. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Ends the process and removes its directory. */
  close(): Promise<void>;
}

/** How long a server may take until it answers, milliseconds; a busy machine needs some. */
const startLimitMs = 60_000;
const quiet = { stdio: 'ignore' } as const;

/** Starts a server and waits until it answers; throws with the log's end if it does not. */
export async function startServiceCenter(
  settings: ServiceCenterSettings = {},
): Promise<RealServiceCenter> {
  if ('missing' in serviceCenterBinary) throw new Error(serviceCenterBinary.missing);
  const { path: binary, is2x } = serviceCenterBinary;
  const home = await mkdtemp(join(tmpdir(), 'servicecenter-'));
  const [httpPort, peerPort] = await freePorts();
  await mkdir(join(home, 'conf'));
  const { tls } = settings;
  const tlsConf = tls === undefined ? {} : { ssl_mode: 1, ssl_verify_client: 1 };
  const keys = confKeys(httpPort, peerPort, { ...tlsConf, ...settings.conf });
  await writeFile(join(home, 'conf', 'app.conf'), confOf1x(keys));
  if (tls !== undefined) await putCertificates(join(home, 'ssl'), tls.server);
  const address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${httpPort}`;
  const logPath = join(home, 'stdout.log');
  let child: ChildProcess | undefined;

  let etcd: EtcdMember | undefined;
  const renewTokenKeys = (): void => {
    const [privateKey, publicKey] = [join(home, 'private.key'), join(home, 'public.key')];
    execFileSync('openssl', ['genrsa', '-traditional', '-out', privateKey, '4096'], quiet);
    execFileSync('openssl', ['rsa', '-in', privateKey, '-pubout', '-out', publicKey], quiet);
  };
  const withLogin = settings.rootPassword !== undefined;
  if (withLogin) renewTokenKeys();

  const begin = async (options = { emptyData: false }): Promise<void> => {
    if (options.emptyData) {
      await etcd?.stop();
      etcd = undefined;
      await rm(join(home, 'data'), { recursive: true, force: true });
    }
    if (is2x && etcd === undefined) {
      etcd = await startLoneEtcd(join(home, 'data'));
      await writeFile(join(home, 'conf', 'app.yaml'), confOf2x(keys, etcd.clientUrl, withLogin));
    }
    const log = openSync(logPath, 'a');
    const started = spawn(binary, [], {
      cwd: home,
      env: {
        ...{ PATH: process.env.PATH, APP_ROOT: home, SSL_ROOT: join(home, 'ssl') },
        ...(withLogin ? { SC_INIT_ROOT_PASSWORD: settings.rootPassword } : {}),
        ...settings.env,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child = started;
    await untilAnswering(address, tls?.client, started, logPath);
  };

  const end = async (way: 'kill' | 'stop'): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill('SIGCONT');
    ending.kill(way === 'kill' ? 'SIGKILL' : 'SIGTERM');
    const last = setTimeout(() => ending.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(last);
  };

  const center: RealServiceCenter = {
    address,
    get pid() {
      return child?.pid;
    },
    end,
    begin,
    renewTokenKeys,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    async close() {
      await end('kill');
      await etcd?.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await begin();
  } catch (error) {
    await center.close();
    throw error;
  }
  return center;
}

function binaryFromEnvironment(): typeof serviceCenterBinary {
  const path = process.env.SERVICECENTER_BIN ?? '';
  if (path === '') {
    return { missing: 'SERVICECENTER_BIN is not set: the path of a ServiceCenter release binary' };
  }
  if (!existsSync(path)) {
    return { missing: `SERVICECENTER_BIN is '${path}', and there is no such file` };
  }
  // What 2.x speaks to its etcd with.
  return { path, is2x: readFileSync(path).includes('little-cui/etcdadpt') };
}

/** Where a ServiceCenter looks for them (1.4.8, server/plugin/tls/buildin). */
async function putCertificates(directory: string, files: CertificateFiles): Promise<void> {
  await mkdir(directory);
  await copyFile(files.caFile, join(directory, 'trust.cer'));
  await copyFile(files.certFile, join(directory, 'server.cer'));
  await copyFile(files.keyFile, join(directory, 'server_key.pem'));
  // The key is not encrypted.
  await writeFile(join(directory, 'cert_pwd'), '');
}

async function untilAnswering(
  address: string,
  client: CertificateFiles | undefined,
  child: ChildProcess,
  logPath: string,
): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      const log = readFileSync(logPath, 'utf8').slice(-2_000);
      throw new Error(`ServiceCenter did not start to answer at ${address}. Its log ends:\n${log}`);
    }
    try {
      const status = await statusOf(`${address}/v4/default/registry/version`, client);
      // One that wants a login answers as well.
      if (status === 200 || status === 401) return;
    } catch {
      // Refused until its cache is whole (servicecenter-api.md §1).
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function statusOf(url: string, client: CertificateFiles | undefined): Promise<number> {
  const dispatcher = new Agent(
    client === undefined
      ? {}
      : {
          connect: {
            ca: readFileSync(client.caFile),
            cert: readFileSync(client.certFile),
            key: readFileSync(client.keyFile),
          },
        },
  );
  try {
    const { statusCode, body } = await request(url, {
      dispatcher,
      headersTimeout: 2_000,
      bodyTimeout: 2_000,
    });
    await body.dump();
    return statusCode;
  } finally {
    await dispatcher.destroy();
  }
}

/** Gives two ports that are free now. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const bound = server.address();
            resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
          });
        }),
    ),
  );
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  );
  return [ports[0] ?? 0, ports[1] ?? 0];
}

type ConfKeys = Readonly<Record<string, string | number>>;

function confKeys(httpPort: number, peerPort: number, changes: ConfKeys): ConfKeys {
  const peer = `http://127.0.0.1:${peerPort}`;
  return {
    runmode: 'prod',
    httpaddr: '127.0.0.1',
    httpport: httpPort,
    frontend_host_ip: '127.0.0.1',
    frontend_host_port: 0,
    read_header_timeout: '60s',
    read_timeout: '60s',
    idle_timeout: '60s',
    write_timeout: '60s',
    max_header_bytes: 32_768,
    max_body_bytes: 2_097_152,
    enable_pprof: 0,
    plugins_dir: './plugins',
    discovery_plugin: 'etcd',
    self_register: 0,
    registry_plugin: 'embeded_etcd',
    manager_name: '"sc-0"',
    manager_addr: `"${peer}"`,
    manager_cluster: `"sc-0=${peer}"`,
    auto_sync_interval: '30s',
    compact_index_delta: 100,
    compact_interval: '12h',
    enable_cache: 1,
    uuid_plugin: '"context"',
    limit_conns: 0,
    ssl_mode: 0,
    log_rotate_size: 20,
    log_backup_count: 5,
    log_format: 'text',
    log_sys: 'false',
    ...changes,
  };
}

function confOf1x(keys: ConfKeys): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${value}`);
  return [...lines, '[prod]', 'loglevel = ERROR', 'logfile = ""', ''].join('\n');
}

/** The embedded etcd of 2.1.0 binds one address twice: it wants one beside it. */
function confOf2x(keys: ConfKeys, etcdUrl: string, withLogin: boolean): string {
  const plain = (name: string): string => String(keys[name]).replaceAll('"', '');
  return stringify({
    environment: 'prod',
    server: { host: plain('httpaddr'), port: keys.httpport },
    log: { level: 'ERROR', file: '' },
    ssl: {
      enable: keys.ssl_mode === 1,
      verifyClient: keys.ssl_verify_client ?? 0,
      minVersion: 'TLSv1.2',
    },
    registry: {
      kind: 'etcd',
      cache: { mode: keys.enable_cache },
      etcd: {
        autoSyncInterval: keys.auto_sync_interval,
        compact: { indexDelta: keys.compact_index_delta, interval: plain('compact_interval') },
        cluster: { endpoints: etcdUrl },
      },
      service: { retire: { disable: true } },
      selfRegister: 0,
    },
    discovery: { kind: 'etcd' },
    metrics: { enable: false },
    rbac: { enable: withLogin, privateKeyFile: './private.key', publicKeyFile: './public.key' },
    quota: { kind: 'buildin' },
    uuid: { kind: 'context' },
  });
}
