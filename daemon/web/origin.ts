// By which names the page may be asked for. A page of another site that makes its own name point to
// our address (DNS rebinding) still sends its own name in `Host` and `Origin`.

import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';

export interface Place {
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate that is served; `undefined`: no TLS. */
  readonly certificate: string | undefined;
}

/** Gives every value of `Host` that means us (`localhost:30193`), in lower case. */
export function ownHosts({ host, port, certificate }: Place): ReadonlySet<string> {
  const names = new Set<string>([host]);
  const everywhere = host === '0.0.0.0' || host === '::';
  if (isLoopback(host) || everywhere) {
    for (const name of ['localhost', '127.0.0.1', '::1']) names.add(name);
  }
  if (everywhere) {
    names.add(hostname());
    for (const list of Object.values(networkInterfaces())) {
      for (const { address } of list ?? []) names.add(address);
    }
  }
  for (const name of certifiedNames(certificate)) names.add(name);
  const usualPort = certificate === undefined ? 80 : 443;
  return new Set(
    [...names].flatMap((name) => {
      const written = bracketed(name).toLowerCase();
      return port === usualPort ? [written, `${written}:${port}`] : [`${written}:${port}`];
    }),
  );
}

/** Gives the address as it stands in a link; a wildcard becomes a name that can be dialled. */
export function linkHost({ host, certificate }: Place): string {
  if (host !== '0.0.0.0' && host !== '::') return bracketed(host);
  return bracketed(certifiedNames(certificate)[0] ?? hostname());
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Names and addresses of the certificate (`DNS:a.example, IP Address:10.0.0.1`), without patterns. */
function certifiedNames(certificate: string | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const listed = new X509Certificate(certificate).subjectAltName ?? '';
  return listed
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):([^*]+)$/.exec(entry)?.[1])
    .filter((name) => name !== undefined);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
