// Services of registries that show them through their instances alone. No code of the product.

import {
  commonContent,
  idText,
  jsonIn,
  keyText,
  saidVersion,
  type ServiceKeyParts,
} from './common-words.ts';
import type { FoundService } from './read-registry.ts';

type Texts = Readonly<Record<string, string>>;

/** What an instance says of its service. */
export interface SaidService {
  readonly serviceId: string;
  readonly key: ServiceKeyParts;
  /** The text that copies carry of it, as JSON. */
  readonly content: string | undefined;
  readonly originCluster: string | undefined;
}

/** Gives the service as one of its instances says it. */
export function impliedService({
  serviceId,
  key,
  content: text,
  originCluster: origin,
}: SaidService): FoundService {
  const content = jsonIn(text);
  return {
    serviceId,
    key: keyText(key),
    content: undefined,
    common: commonContent(content),
    properties: {
      ...content.properties,
      ...(origin === undefined ? {} : { 'syncer-origin-cluster': content.from ?? origin }),
    },
  };
}

/**
 * Gives the service that an instance of `name` says by the keys `syncer-*`; `usualName` is that of a
 * service which says none, `content` what its copies carry.
 */
export function serviceSaidBy(
  metadata: Texts,
  { name, usualName, content }: { name: string; usualName: string; content: string | undefined },
): FoundService {
  const key = {
    app: metadata['syncer-app'] ?? 'default',
    name: metadata['syncer-service'] ?? usualName,
    version: metadata['syncer-version'] ?? saidVersion(metadata),
    environment: metadata['syncer-environment'] ?? '',
  };
  const serviceId = idText(name, [
    key.app === 'default' ? '' : key.app,
    key.name === usualName ? '' : key.name,
    key.version === '0.0.1' ? '' : key.version,
    key.environment,
  ]);
  const originCluster = metadata['syncer-origin-cluster'];
  return impliedService({ serviceId, key, content, originCluster });
}

/** Adds what one instance says of its service: the first that says more than the key counts. */
export function addService(services: Map<string, FoundService>, service: FoundService): void {
  const before = services.get(service.serviceId);
  if (before === undefined || before.common === commonContent({})) {
    services.set(service.serviceId, service);
  }
}
