// An authority and certificates for tests, made on the spot with the openssl command.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TestAuthority {
  readonly caFile: string;
  /**
   * Gives a certificate for `names` (`DNS:cluster`, `IP:127.0.0.1`) in the files `<file>.pem` and
   * `<file>.key`; the same `file` again replaces it, as a renewal does.
   */
  issue(file: string, names: readonly string[]): CertificateFiles;
}

/**
 * Makes an authority in `directory`, which must exist. Throws when there is no openssl. `rsa`: for
 * servers that offer no cipher for elliptic curves.
 */
export function testAuthority(
  directory: string,
  name = 'test authority',
  keys: 'ec' | 'rsa' = 'ec',
): TestAuthority {
  const home = join(directory, name.replaceAll(' ', '-'));
  mkdirSync(home, { recursive: true });
  const caFile = join(home, 'ca.pem');
  const caKey = join(home, 'ca.key');
  const newKey =
    keys === 'ec'
      ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      : ['-newkey', 'rsa:2048', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    caKey,
    '-out',
    caFile,
  );
  let serial = 1;
  return {
    caFile,
    issue(file, names) {
      const certFile = join(home, `${file}.pem`);
      const keyFile = join(home, `${file}.key`);
      const request = join(home, `${file}.csr`);
      const extensions = join(home, `${file}.ext`);
      writeFileSync(extensions, `subjectAltName=${names.join(',')}\n`);
      openssl(
        'req',
        '-new',
        ...newKey,
        '-subj',
        `/CN=${file}-${serial}`,
        '-keyout',
        keyFile,
        '-out',
        request,
      );
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        '-days',
        '2',
        '-CA',
        caFile,
        '-CAkey',
        caKey,
        '-set_serial',
        String(serial++),
        '-extfile',
        extensions,
        '-out',
        certFile,
      );
      return { caFile, certFile, keyFile };
    },
  };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
