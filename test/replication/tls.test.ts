// TLS and mutual TLS between two sites, refusals by name, and renewal without a restart.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateError, watchCertificates } from '../../daemon/replication/certificates.ts';
import { VirtualClock } from '../../daemon/support/virtual-clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { testAuthority } from '../support/certificates.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { poll } from '../support/poll.ts';
import { fill, isEqual, newState, startSite } from './models/site.ts';

const limitMs = 30_000;
const truly = (condition: boolean): true | undefined => (condition ? true : undefined);
let directory = '';
let authority: TestAuthority;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'syncer-tls-'));
  authority = testAuthority(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('TLS', () => {
  it.each([
    { names: 'the address', there: ['IP:127.0.0.1'] },
    { names: 'the cluster', there: ['DNS:there'] },
  ])('connects with mutual TLS where the certificate names $names', async ({ there }) => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 500);
    await using siteA = await startSite(a, { tls: authority.issue('here', ['DNS:here']) });
    await using siteB = await startSite(b, { tls: authority.issue('there', there) });
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: true });
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
    expect(siteA.sink('there').state).toBe('connected');
  });

  it('connects with server TLS alone, where the server asks for no certificate', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 500);
    const { certFile, keyFile } = authority.issue('server-only', ['DNS:there']);
    await using siteA = await startSite(a, { tls: { caFile: authority.caFile } });
    await using siteB = await startSite(b, { tls: { certFile, keyFile } });
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: true });
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
  });

  it.each([
    {
      who: 'a certificate for another name',
      names: ['DNS:elsewhere'],
      reason: /neither the address/,
    },
    { who: 'no TLS at all', names: undefined, reason: /./ },
  ])('refuses a peer with $who, and says why', async ({ names, reason }) => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 5);
    await using siteA = await startSite(a, { tls: authority.issue('here', ['DNS:here']) });
    await using siteB = await startSite(
      b,
      names === undefined ? {} : { tls: authority.issue('wrong', names) },
    );
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: true });
    const sink = siteA.sink('there');
    const link = await poll(() => sink.links.find((entry) => entry.reason !== ''), limitMs);
    expect(link.reason).toMatch(reason);
    expect(sink.held.size).toBe(0);
  });

  it('turns away whoever shows no certificate of the authority', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 5);
    const stranger = testAuthority(directory, 'another authority');
    const { certFile, keyFile } = stranger.issue('here', ['DNS:here']);
    await using siteA = await startSite(a, {
      tls: { caFile: authority.caFile, certFile, keyFile },
    });
    await using siteB = await startSite(b, { tls: authority.issue('there', ['DNS:there']) });
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: true });
    const sink = siteA.sink('there');
    await poll(() => sink.links.find((entry) => entry.reason !== ''), limitMs);
    expect(sink.held.size).toBe(0);
    expect(sink.links.some(({ state }) => state === 'connected')).toBe(false);
  });
});

describe('certificates that are replaced', () => {
  it('are taken when they fit together, and kept back when not', () => {
    const files = authority.issue('renewed', ['DNS:there']);
    const clock = new VirtualClock();
    const certificates = watchCertificates(files, clock, silentLogger);
    expect(certificates.facts?.subject).toMatch(/renewed/);
    const first = certificates.facts?.subject;
    authority.issue('renewed', ['DNS:there']);
    clock.advance(6_000);
    expect(certificates.facts?.subject).toMatch(/renewed/);
    expect(certificates.facts?.subject).not.toBe(first);
    const second = certificates.facts?.subject;
    rmSync(files.keyFile);
    clock.advance(6_000);
    expect(certificates.facts?.subject).toBe(second);
    expect(certificates.facts?.trouble).toMatch(/--tls-key '.*renewed.key' cannot be read/);
    certificates.close();
  });

  it('serve new connections of a running server', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 5);
    const wrong = authority.issue('reload', ['DNS:elsewhere']);
    await using siteA = await startSite(a, { tls: authority.issue('here', ['DNS:here']) });
    await using siteB = await startSite(b, { tls: wrong });
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: true });
    const sink = siteA.sink('there');
    await poll(() => sink.links.find((entry) => entry.reason.includes('neither')), limitMs);
    authority.issue('reload', ['DNS:there']);
    await poll(() => truly(isEqual(b.source, sink)), limitMs);
  });

  it.each([
    {
      what: 'a missing file',
      files: () => ({ caFile: '/nowhere/ca.pem' }),
      says: /--tls-ca '\/nowhere\/ca.pem' cannot be read/,
    },
    {
      what: 'a certificate without its key',
      files: () => ({ certFile: 'a.pem' }),
      says: /needs its key: give --tls-key/,
    },
    {
      what: 'a key without its certificate',
      files: () => ({ keyFile: 'a.key' }),
      says: /needs its certificate: give --tls-cert/,
    },
    {
      what: 'a key in the place of a certificate',
      files: () => {
        const { keyFile } = authority.issue('x', ['DNS:x']);
        return { certFile: keyFile, keyFile };
      },
      says: /--tls-cert '.*x.key' holds no certificate/,
    },
    {
      what: 'the key of another certificate',
      files: () => ({
        certFile: authority.issue('y', ['DNS:y']).certFile,
        keyFile: authority.issue('z', ['DNS:z']).keyFile,
      }),
      says: /--tls-key '.*z.key' is not the key of --tls-cert '.*y.pem'/,
    },
  ])('names flag and file of $what', ({ files, says }) => {
    const attempt = (): unknown => watchCertificates(files(), new VirtualClock(), silentLogger);
    expect(attempt).toThrow(CertificateError);
    expect(attempt).toThrow(says);
  });
});
