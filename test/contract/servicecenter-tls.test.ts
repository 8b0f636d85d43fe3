// The ServiceCenter driver over TLS with a client certificate: the lab behind a TLS proxy.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startLabRegistry, type LabRegistry } from '../../daemon/lab/lab.ts';
import {
  createServiceCenterDriver,
  type ServiceCenterOptions,
} from '../../daemon/registry/servicecenter/driver.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { testAuthority } from '../support/certificates.ts';
import { sampleService } from './native-application.ts';
import { observe, type ObservedDriver } from './observed-driver.ts';
import { serviceCenterNative } from './servicecenter-native.ts';

describe('ServiceCenter driver over TLS', () => {
  let directory: string;
  let lab: LabRegistry;
  let address: string;
  let ca: string;
  let client: { readonly cert: string; readonly key: string };
  let proxy: ReturnType<typeof createServer>;
  const open = new Set<TLSSocket>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'servicecenter-tls-'));
    const authority = testAuthority(directory);
    const server = authority.issue('server', ['IP:127.0.0.1']);
    const ours = authority.issue('client', ['DNS:syncer']);
    const text = (file: string): string => readFileSync(file, 'utf8');
    ca = text(authority.caFile);
    client = { cert: text(ours.certFile), key: text(ours.keyFile) };
    lab = await startLabRegistry({ port: 0 });
    const port = Number(new URL(lab.url).port);
    proxy = createServer(
      {
        ca,
        cert: text(server.certFile),
        key: text(server.keyFile),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => {
        open.add(socket);
        const inner = connect(port, '127.0.0.1');
        socket.on('error', () => inner.destroy());
        socket.on('close', () => inner.destroy());
        inner.on('error', () => socket.destroy());
        socket.pipe(inner).pipe(socket);
      },
    );
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    address = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    for (const socket of open) socket.destroy();
    proxy.close();
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = (tls: NonNullable<ServiceCenterOptions['tls']>): ObservedDriver => {
    const driver = observe(
      createServiceCenterDriver(
        { addresses: [address], tls, requestTimeoutMs: 5_000 },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    );
    onTestFinished(() => driver.stop());
    return driver;
  };

  it('reads with the authority and a client certificate', async () => {
    const ref = await serviceCenterNative(lab.url).registerService(sampleService());
    const driver = start({ ca, ...client });
    await driver.until(() => driver.service(ref));
  });

  it.each([
    ['an authority that it does not know', () => ({ ...client })],
    ['no client certificate', () => ({ ca })],
  ])('says that the registry is unreachable with %s', async (_what, tls) => {
    const driver = start(tls());
    await driver.untilCondition('unreachable');
    expect(driver.changes).toEqual([]);
  });
});
