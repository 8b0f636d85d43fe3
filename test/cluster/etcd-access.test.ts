// The ways to an existing etcd: over TLS with a certificate, with a user and a password, through several
// endpoints of which one is dead. A real etcd.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdClient, type EtcdAccess } from '../../daemon/cluster/etcd-client.ts';
import { createEtcdEndpoints } from '../../daemon/cluster/etcd-endpoints.ts';
import { testAuthority, type CertificateFiles } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { poll } from '../support/poll.ts';

let root: string;
let etcd: ChildProcess;
let endpoint: string;
let files: CertificateFiles;

const binary = 'etcd';

/** With our certificate, and no user. */
const certified = (): EtcdAccess => ({
  endpoints: [endpoint],
  tls: {
    ca: readFileSync(files.caFile),
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
  },
});
const asRoot = (): EtcdAccess => ({ ...certified(), user: 'root', password: 'secret' });

/** Writes and reads through one access. */
async function works(access: EtcdAccess): Promise<boolean> {
  const client = createEtcdClient(access);
  try {
    await client.commit([], [{ type: 'put', key: '/way', value: 'here' }]);
    const { entry } = await client.get('/way');
    return Buffer.from(entry?.value ?? []).toString() === 'here';
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'syncer-etcd-access-'));
  // Its name is no user of etcd: a certificate whose name is one would be taken for that user.
  files = testAuthority(root).issue('etcd', ['DNS:localhost', 'IP:127.0.0.1']);
  endpoint = `https://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  etcd = spawn(
    binary,
    [
      ...['--data-dir', path.join(root, 'data'), '--name', 'alone'],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `alone=${peer}`, '--client-cert-auth'],
      ...['--trusted-ca-file', files.caFile],
      ...['--cert-file', files.certFile, '--key-file', files.keyFile],
    ],
    { stdio: 'ignore' },
  );
  await poll(async () => ((await works(certified())) ? true : undefined), 60_000);
  const { tls } = certified();
  const control = new Etcd3({
    hosts: endpoint,
    credentials: {
      rootCertificate: tls?.ca ?? Buffer.alloc(0),
      ...(tls?.cert === undefined ? {} : { certChain: tls.cert }),
      ...(tls?.key === undefined ? {} : { privateKey: tls.key }),
    },
  });
  await control.auth.userAdd({ name: 'root', password: 'secret' });
  await control.auth.roleAdd({ name: 'root' });
  await control.auth.userGrantRole({ user: 'root', role: 'root' });
  await control.auth.authEnable();
  control.close();
}, 90_000);

afterAll(async () => {
  const exited = new Promise((resolve) => etcd.once('exit', resolve));
  etcd.kill('SIGKILL');
  await exited;
  rmSync(root, { recursive: true, force: true });
});

describe('an existing etcd', () => {
  it('is reached with a certificate, a user and a password', async () => {
    expect(await works(asRoot())).toBe(true);
  });

  it('refuses a wrong password, and says so', async () => {
    const wrong = works({ ...asRoot(), password: 'wrong' });
    await expect(wrong).rejects.toThrow(/authentication failed/);
    await expect(works(certified())).rejects.toThrow(/etcdserver/);
  });

  it('refuses a client without a certificate', async () => {
    const { tls, ...rest } = asRoot();
    await expect(works(rest)).rejects.toThrow();
    await expect(works({ ...rest, tls: { ca: tls?.ca } })).rejects.toThrow();
  });

  it('is reached through the endpoint that lives', async () => {
    const dead = `https://127.0.0.1:${await freePort()}`;
    const client = createEtcdEndpoints({ ...asRoot(), endpoints: [dead, endpoint] });
    try {
      await expect(client.get('/way')).rejects.toThrow();
      // From now on at the other one.
      for (let count = 0; count < 20; count += 1) await client.get('/way');
      const changes: string[] = [];
      const watch = client.watch('/way', 1, {
        changed: (told) => void changes.push(...told.map(({ key }) => key)),
        ended: () => undefined,
      });
      await poll(() => (changes.includes('/way') ? true : undefined), 30_000);
      watch.stop();
    } finally {
      client.close();
    }
  });
});
