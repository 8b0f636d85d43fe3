// What a registry driver is told, from the configuration. Certificates are read here: drivers take
// PEM texts and know no files.

import { readFileSync } from 'node:fs';
import { SyncerError } from '../../proto/errors.ts';
import type { Config } from '../config/schema.ts';

/**
 * Gives the options of the configured driver; `cluster` is the site's own. Throws `tls.file-unreadable`.
 */
export function registryOptions(registry: Config['registry'], cluster: string): object {
  const { addresses, pollMinMs, tls, credentials, options } = registry;
  const projectsOf = new Map<string, string[]>();
  for (const { domain, project } of registry.tenants) {
    projectsOf.set(domain, [...(projectsOf.get(domain) ?? []), project]);
  }
  return {
    addresses,
    pollMinMs,
    ...options,
    tenants: [...projectsOf].map(([domain, projects]) => ({ domain, projects })),
    tls: {
      ...(tls.ca === undefined ? {} : { ca: pem('registry.tls.ca', tls.ca) }),
      ...(tls.cert === undefined ? {} : { cert: pem('registry.tls.cert', tls.cert) }),
      ...(tls.key === undefined ? {} : { key: pem('registry.tls.key', tls.key) }),
      ...(tls.verify ? {} : { insecure: true }),
    },
    ...credentialsOf(credentials),
    // It names the node of the copies there.
    ...(registry.kind === 'consul' ? { cluster } : {}),
  };
}

function credentialsOf({ account, password, token }: Config['registry']['credentials']): object {
  if (token !== undefined) return { credentials: { token } };
  if (account === undefined || password === undefined) return {};
  return { credentials: { name: account, password } };
}

function pem(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('tls.file-unreadable', { key, file, reason }, thrown);
  }
}
