// The driver and a real ServiceCenter over mutual TLS.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { stampInstance } from '../../../daemon/model/stamp.ts';
import {
  createServiceCenterDriver,
  type ServiceCenterOptions,
} from '../../../daemon/registry/servicecenter/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { sampleInstance, sampleService, value } from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import { testAuthority, type CertificateFiles } from '../../support/certificates.ts';
import {
  serviceCenterBinary,
  startServiceCenter,
  type RealServiceCenter,
} from '../../support/servicecenter.ts';

const missing =
  'missing' in serviceCenterBinary
    ? serviceCenterBinary.missing
    : serviceCenterBinary.is2x
      ? 'SERVICECENTER_BIN is a 2.x, which with TLS speaks TLS to its etcd as well'
      : undefined;

describe('a real ServiceCenter over TLS', () => {
  let directory: string;
  let center: RealServiceCenter;
  let client: CertificateFiles;

  beforeAll(async () => {
    if (missing !== undefined) return;
    directory = await mkdtemp(join(tmpdir(), 'servicecenter-tls-'));
    // 1.4.8 offers ciphers for RSA keys alone.
    const authority = testAuthority(directory, 'registry authority', 'rsa');
    const server = authority.issue('server', ['IP:127.0.0.1']);
    client = authority.issue('client', ['DNS:syncer']);
    center = await startServiceCenter({ tls: { server, client } });
  });
  afterAll(async () => {
    if (missing !== undefined) return;
    await center.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = (tls: NonNullable<ServiceCenterOptions['tls']>): ObservedDriver => {
    const driver = observe(
      createServiceCenterDriver(
        { addresses: [center.address], tls, requestTimeoutMs: 5_000 },
        { clock: systemClock, random: systemRandom, logger: silentLogger },
      ),
    );
    onTestFinished(() => driver.stop());
    return driver;
  };
  const text = (file: string): string => readFileSync(file, 'utf8');

  it('carries a copy through its whole life', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const observed = start({
      ca: text(client.caFile),
      cert: text(client.certFile),
      key: text(client.keyFile),
    });
    const { driver } = observed;
    const { signal } = new AbortController();
    const service = sampleService();
    const made = value(await driver.ensureService(service, 'west', signal));
    const stamp = {
      originCluster: 'west',
      originService: 'origin-service',
      originInstance: 'origin-instance',
      epoch: 1,
    };
    const base = sampleInstance();
    const copy = {
      ...base,
      serviceId: made.serviceId,
      properties: stampInstance(base.properties, stamp, base.healthCheck),
    };
    value(await driver.putInstance(service, copy, signal));
    const { domain, project } = service;
    const ref = { domain, project, serviceId: made.serviceId, instanceId: copy.instanceId };
    await observed.until(() => observed.instance(ref));
    expect(value(await driver.renew([ref], signal))).toEqual({ missing: [] });
    value(await driver.removeInstance(ref, 'west', signal));
    expect(value(await driver.readInstance(ref, signal))).toBeUndefined();
  });

  it('says that the registry is unreachable without a client certificate', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const observed = start({ ca: text(client.caFile) });
    await observed.untilCondition('unreachable');
    expect(observed.changes).toEqual([]);
  });

  it('says that the registry is unreachable where its authority is not known', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const observed = start({ cert: text(client.certFile), key: text(client.keyFile) });
    await observed.untilCondition('unreachable');
    expect(observed.changes).toEqual([]);
  });
});
