// The kinds of registry that can be had here.

import { consulTool } from '../../interop/consul/consul-server.ts';
import { eurekaTool } from '../../interop/eureka/eureka-server.ts';
import { consulSite } from '../../interop/kinds/consul-site.ts';
import { eurekaSite } from '../../interop/kinds/eureka-site.ts';
import type { Kind, KindOfSite } from '../../interop/kinds/kind-of-site.ts';
import { nacosSite } from '../../interop/kinds/nacos-site.ts';
import { serviceCenterSite } from '../../interop/kinds/servicecenter-site.ts';
import { nacosTool } from '../../interop/nacos/nacos-server.ts';

export interface KindAtHand {
  readonly kind: Kind;
  start(): Promise<KindOfSite>;
}

const all: readonly (KindAtHand & { readonly tool: object })[] = [
  { kind: 'servicecenter', start: serviceCenterSite, tool: {} },
  { kind: 'eureka', start: eurekaSite, tool: eurekaTool },
  { kind: 'nacos', start: nacosSite, tool: nacosTool },
  { kind: 'consul', start: consulSite, tool: consulTool },
];

/** Those that can be started, and why the others cannot. */
export function kindsAtHand(): {
  readonly kinds: readonly KindAtHand[];
  readonly leftOut: Readonly<Record<string, string>>;
} {
  const leftOut = all.flatMap(({ kind, tool }) =>
    'missing' in tool ? [[kind, String(tool.missing)]] : [],
  );
  const kinds = all.filter(({ tool }) => !('missing' in tool));
  return { kinds, leftOut: Object.fromEntries(leftOut) as Record<string, string> };
}
