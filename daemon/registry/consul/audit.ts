// What is asked of a Consul beside its content: whether the token is one (a token that may see nothing is
// answered with empty lists, peers.md §4, "ACL"), and what the server calls itself.

import type { Clock } from '../../support/clock.ts';
import type { Trouble } from '../common/trouble.ts';
import type { ConsulApi } from './api.ts';
import type { ConsulSettings } from './options.ts';

export interface Audit {
  /** Asks when it is time to; gives why nothing that is read can be taken for everything. */
  look(): Promise<Trouble | undefined>;
  readonly version: string;
  readonly findings: Readonly<Record<string, string>>;
}

/** Gives the audit. */
export function createAudit(
  api: Pick<ConsulApi, 'token' | 'agent'>,
  settings: Pick<ConsulSettings, 'auditMs' | 'credentials' | 'datacenter'>,
  clock: Clock,
): Audit {
  let nextMs = -Infinity;
  let access = 'not asked for';
  let agent: { readonly version: string; readonly datacenter: string } | undefined;

  return {
    async look() {
      const nowMs = clock.monotonicMs();
      if (nowMs < nextMs) return undefined;
      if (settings.credentials !== undefined) {
        const token = await api.token();
        if (!token.ok) {
          access = 'the token is refused';
          return token.trouble;
        }
        access = token.value === 'off' ? 'off' : 'the token is valid';
      }
      // Without the right to read its agent, a driver lacks its version and nothing else.
      const self = await api.agent();
      if (self.ok) agent = self.value;
      nextMs = nowMs + settings.auditMs;
      return undefined;
    },
    get version() {
      return agent?.version ?? 'unknown';
    },
    get findings() {
      return {
        'access-control': access,
        datacenter: settings.datacenter ?? agent?.datacenter ?? 'not shown',
      };
    },
  };
}
