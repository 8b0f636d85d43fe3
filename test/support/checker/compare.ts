// What must hold between the registries of sites in sync: every native instance is readable in
// every other registry once, with every field, and nothing else is there. A pure function.

import {
  sortedJson,
  type FoundInstance,
  type FoundService,
  type RegistryContent,
} from './read-registry.ts';

/** One site: its cluster name, and what its registry answered. */
export interface Site {
  readonly cluster: string;
  readonly content: RegistryContent;
}

export interface Finding {
  readonly kind:
    'missing' | 'orphan' | 'duplicate' | 'differs' | 'echo' | 'service-missing' | 'service-differs';
  readonly site: string;
  readonly detail: string;
}

const stampPrefix = 'syncer-';

/** Gives every difference between what the sites hold and what they should; empty: in sync. */
export function compareSites(sites: readonly Site[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const site of sites) {
    const copies = copiesByOrigin(site, findings);
    for (const origin of sites) {
      if (origin.cluster === site.cluster) continue;
      for (const native of nativesOf(origin.content)) {
        const id = originId(origin.cluster, native);
        const copy = copies.get(id);
        copies.delete(id);
        if (copy === undefined) findings.push({ kind: 'missing', site: site.cluster, detail: id });
        else compareInstance(origin, native, site, copy, findings);
      }
    }
    for (const id of copies.keys())
      findings.push({ kind: 'orphan', site: site.cluster, detail: id });
  }
  return findings;
}

/** The instances that an application registered: those without a stamp. */
export function nativesOf(content: RegistryContent): readonly FoundInstance[] {
  return content.instances.filter(
    ({ properties }) => properties[`${stampPrefix}origin-cluster`] === undefined,
  );
}

function copiesByOrigin(site: Site, findings: Finding[]): Map<string, FoundInstance> {
  const copies = new Map<string, FoundInstance>();
  for (const instance of site.content.instances) {
    const cluster = instance.properties[`${stampPrefix}origin-cluster`];
    if (cluster === undefined) continue;
    const id = [
      cluster,
      instance.properties[`${stampPrefix}origin-service`],
      instance.properties[`${stampPrefix}origin-instance`],
    ].join('/');
    if (cluster === site.cluster) findings.push({ kind: 'echo', site: site.cluster, detail: id });
    if (copies.has(id)) findings.push({ kind: 'duplicate', site: site.cluster, detail: id });
    copies.set(id, instance);
  }
  return copies;
}

function originId(cluster: string, native: FoundInstance): string {
  return [cluster, native.serviceId, native.instanceId].join('/');
}

function compareInstance(
  origin: Site,
  native: FoundInstance,
  site: Site,
  copy: FoundInstance,
  findings: Finding[],
): void {
  const there = origin.content.services.get(native.serviceId);
  const here = site.content.services.get(copy.serviceId);
  const detail = originId(origin.cluster, native);
  if (here === undefined || there === undefined) {
    findings.push({ kind: 'service-missing', site: site.cluster, detail });
    return;
  }
  if (here.key !== there.key) {
    findings.push({
      kind: 'service-differs',
      site: site.cluster,
      detail: `${detail}: ${here.key} for ${there.key}`,
    });
  } else if (isMade(here.properties) && !isMade(there.properties)) {
    // Between kinds: what both can tell.
    const all = there.content !== undefined && here.content !== undefined;
    const contentOf = ({ content, common }: FoundService) => (all ? content : common);
    const left = sortedJson({ content: contentOf(there), properties: there.properties });
    const right = sortedJson({ content: contentOf(here), properties: unstamped(here.properties) });
    if (left !== right) {
      findings.push({
        kind: 'service-differs',
        site: site.cluster,
        detail: `${detail}: ${right} for ${left}`,
      });
    }
  }
  const expected = sortedJson(instanceContent(native));
  const actual = sortedJson(instanceContent(copy));
  if (expected !== actual) {
    findings.push({
      kind: 'differs',
      site: site.cluster,
      detail: `${detail}: ${actual} for ${expected}`,
    });
  }
}

/** What an application said of its instance; the lease of a copy is the syncer's. */
function instanceContent(instance: FoundInstance): object {
  const { endpoints, hostName, status, dataCenterInfo } = instance;
  return {
    endpoints,
    hostName,
    status,
    dataCenterInfo,
    properties: unstamped(instance.properties),
  };
}

function isMade(properties: Readonly<Record<string, string>>): boolean {
  return properties[`${stampPrefix}origin-cluster`] !== undefined;
}

function unstamped(properties: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(properties).filter(([key]) => !key.startsWith(stampPrefix)),
  );
}
