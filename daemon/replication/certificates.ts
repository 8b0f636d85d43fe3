// TLS for the server and for what we dial, from files that may be replaced at any time: new
// connections, in and out, use what the files hold then. A replacement that does not fit together is
// reported and not taken.

import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { Buffer } from 'node:buffer';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';

export interface TlsFiles {
  /**
   * `--tls-ca`: PEM of the authorities to trust. With it, peers must show a certificate of theirs
   * (mutual TLS); without it, the system's authorities are trusted and nobody has to show one.
   */
  readonly caFile?: string;
  /** `--tls-cert`: PEM of our certificate, with its chain. Without it we listen without TLS. */
  readonly certFile?: string;
  /** `--tls-key`: PEM of the certificate's private key. */
  readonly keyFile?: string;
}

/** Thrown when the files are no use; `message` names the flag, the file and the remedy. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export interface CertificateFacts {
  /** Subject and end of our certificate; `undefined` without one. */
  readonly subject: string | undefined;
  readonly validUntilMs: number | undefined;
  /** When the files were last taken, milliseconds since 1970. */
  readonly loadedAtMs: number;
  /** Why the files as they are now are not in use; empty when they are. */
  readonly trouble: string;
}

export interface Certificates {
  readonly server: ServerCredentials;
  /** What to dial `host` of `cluster` with. `tls`: what the peer says of itself in the pool. */
  client(tls: boolean, host: string, cluster: string): ChannelCredentials;
  readonly facts: CertificateFacts | undefined;
  close(): void;
}

/** Between looks at the files. Polled, because mounted secrets are swapped by links. */
const lookEveryMs = 5_000;

/** No TLS of our own; peers that have it are judged by the system's authorities. */
export function plainCertificates(): Certificates {
  return {
    server: ServerCredentials.createInsecure(),
    client: (tls, host, cluster) => (tls ? dial({}, host, cluster) : insecure()),
    facts: undefined,
    close: () => undefined,
  };
}

/** Reads the files and watches them until closed; throws `CertificateError` when they are no use now. */
export function watchCertificates(
  files: TlsFiles,
  clock: Clock,
  logger: Logger,
  everyMs = lookEveryMs,
): Certificates {
  let material = load(files);
  let loadedAtMs = clock.nowMs();
  let trouble = '';
  const server =
    material.cert === undefined
      ? undefined
      : new ReloadingCredentials(material, files.caFile !== undefined);
  let timer: Timer | undefined;
  const look = (): void => {
    timer = clock.after(everyMs, look);
    try {
      const next = load(files);
      trouble = '';
      if (next.fingerprint === material.fingerprint) return;
      material = next;
      loadedAtMs = clock.nowMs();
      server?.replace(next);
      logger.info({ subject: next.subject, validUntil: next.validTo }, 'certificates reloaded');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== trouble) logger.warn({}, `certificates not reloaded: ${text}`);
      trouble = text;
    }
  };
  timer = clock.after(everyMs, look);
  return {
    server: server ?? ServerCredentials.createInsecure(),
    client: (tls, host, cluster) => (tls ? dial(material, host, cluster) : insecure()),
    get facts() {
      const { subject, validTo } = material;
      const validUntilMs = validTo === undefined ? undefined : Date.parse(validTo);
      return { subject, validUntilMs, loadedAtMs, trouble };
    },
    close: () => timer?.cancel(),
  };
}

interface Material {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly subject?: string;
  readonly validTo?: string;
  readonly fingerprint?: string;
}

/** Server credentials whose certificate can be replaced while the server runs. */
class ReloadingCredentials extends ServerCredentials {
  constructor(material: Material, isMutual: boolean) {
    // With `requestCert`, whoever shows no certificate of the authority is turned away by TLS.
    super({ requestCert: isMutual, rejectUnauthorized: isMutual }, contextOf(material));
  }

  replace(material: Material): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ ca, cert, key }: Material): SecureContextOptions {
  return {
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function insecure(): ChannelCredentials {
  return ChannelCredentials.createInsecure();
}

/**
 * Members are dialled by the address that gossip shows, which certificates seldom name: one that
 * names the cluster is as good.
 */
function dial(material: Material, host: string, cluster: string): ChannelCredentials {
  return ChannelCredentials.createFromSecureContext(createSecureContext(contextOf(material)), {
    checkServerIdentity(_name, certificate) {
      const failure = checkServerIdentity(host, certificate);
      if (failure === undefined) return undefined;
      if (checkServerIdentity(cluster, certificate) === undefined) return undefined;
      return new Error(
        `its certificate names neither the address '${host}' nor the cluster '${cluster}' ` +
          `(it names: ${certificate.subjectaltname ?? 'nothing'})`,
      );
    },
  });
}

function load(files: TlsFiles): Material {
  const { caFile, certFile, keyFile } = files;
  if (certFile !== undefined && keyFile === undefined) {
    throw new CertificateError(`--tls-cert '${certFile}' needs its key: give --tls-key`);
  }
  if (keyFile !== undefined && certFile === undefined) {
    throw new CertificateError(`--tls-key '${keyFile}' needs its certificate: give --tls-cert`);
  }
  const ca = read('--tls-ca', caFile);
  const cert = read('--tls-cert', certFile);
  const key = read('--tls-key', keyFile);
  if (ca !== undefined) parseCertificate('--tls-ca', caFile, ca);
  if (cert === undefined || key === undefined) {
    return { ...(ca === undefined ? {} : { ca }), fingerprint: fingerprintOf([ca]) };
  }
  const own = parseCertificate('--tls-cert', certFile, cert);
  if (!own.checkPrivateKey(parseKey(keyFile, key))) {
    throw new CertificateError(
      `--tls-key '${keyFile ?? ''}' is not the key of --tls-cert '${certFile ?? ''}': ` +
        'replace both files together',
    );
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    cert,
    key,
    subject: own.subject.replaceAll('\n', ', '),
    validTo: own.validTo,
    fingerprint: fingerprintOf([ca, cert, key]),
  };
}

function read(flag: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CertificateError(`${flag} '${file}' cannot be read: ${why}`, { cause });
  }
}

function parseCertificate(flag: string, file: string | undefined, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    const remedy = 'give a PEM file that begins with -----BEGIN CERTIFICATE-----';
    throw new CertificateError(`${flag} '${file ?? ''}' holds no certificate: ${remedy}`, {
      cause,
    });
  }
}

function parseKey(file: string | undefined, pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const remedy = 'give a PEM file with an unencrypted private key';
    throw new CertificateError(`--tls-key '${file ?? ''}' holds no usable key: ${remedy}`, {
      cause,
    });
  }
}

function fingerprintOf(parts: readonly (Buffer | undefined)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part?.length ?? 0}:`).update(part ?? '');
  return hash.digest('hex');
}
