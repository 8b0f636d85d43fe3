// Consul's own HTTPS, which asks for a client certificate.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createConsulDriver } from '../../../daemon/registry/consul/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { sampleService } from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import { testAuthority } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.ts';
import { consulNative } from './consul-native.ts';
import { consulTool, requireToolAtNight, startConsul } from './consul-server.ts';

if ('missing' in consulTool) requireToolAtNight();
const missing = 'missing' in consulTool ? ` (skipped: ${consulTool.missing})` : '';
const limitMs = 60_000;

describe.skipIf(missing !== '')(`Consul over TLS${missing}`, () => {
  it('is read with a client certificate, and not without, nor by another authority', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'consul-tls-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const authority = testAuthority(directory);
    const server = authority.issue('server', ['IP:127.0.0.1']);
    const client = authority.issue('client', ['DNS:syncer']);
    const port = await freePort();
    const consul = await startConsul({
      flags: [
        `-https-port=${port}`,
        `-hcl=tls { https { ca_file = "${authority.caFile}" cert_file = "${server.certFile}" ` +
          `key_file = "${server.keyFile}" verify_incoming = true } }`,
      ],
    });
    onTestFinished(() => consul.close());
    const native = consulNative(consul.url);
    onTestFinished(() => native.close());
    const ref = await native.registerService(sampleService());

    const text = (file: string): string => readFileSync(file, 'utf8');
    const driverWith = (tls: object): ObservedDriver => {
      const observed = observe(
        createConsulDriver(
          { addresses: [`https://127.0.0.1:${port}`], requestTimeoutMs: 5_000, tls },
          { clock: systemClock, random: systemRandom, logger: silentLogger },
        ),
        { known: 0 },
      );
      onTestFinished(() => observed.stop());
      return observed;
    };
    const ca = text(authority.caFile);
    const full = driverWith({ ca, cert: text(client.certFile), key: text(client.keyFile) });
    const bare = driverWith({ ca });
    const strange = driverWith({ cert: text(client.certFile), key: text(client.keyFile) });
    await full.untilCondition('answering', limitMs);
    expect(full.service(ref)).toBeDefined();
    await bare.untilCondition('unreachable', limitMs);
    await strange.untilCondition('unreachable', limitMs);
    expect([...bare.changes, ...strange.changes]).toEqual([]);
  });
});
