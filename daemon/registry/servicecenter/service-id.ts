// The id that a ServiceCenter gives to a service that brings none: equal in all servers
// (servicecenter-api.md §4).

import { hash } from 'node:crypto';
import type { ServiceKey } from '../../model/service.ts';

/** Gives the 40 hex digits of the default id. An empty environment leaves `//` in the key. */
export function defaultServiceId(key: ServiceKey): string {
  const { domain, project, environment, app, name, version } = key;
  const path = ['/cse-sr/ms/indexes', domain, project, environment, app, name, version].join('/');
  return hash('sha1', path, 'hex');
}
