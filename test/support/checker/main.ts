// The checker as a program: node test/support/checker/main.ts beijing=http://… shanghai=http://…
// Prints what differs and ends with 1, or with 0 when the sites are in sync.

import { compareSites } from './compare.ts';
import { readRegistry } from './read-registry.ts';

const usage = 'usage: node test/support/checker/main.ts CLUSTER=URL CLUSTER=URL [...]';
const sites = process.argv.slice(2).map((argument) => {
  const [cluster, ...rest] = argument.split('=');
  return { cluster: cluster ?? '', url: rest.join('=') };
});
if (sites.length < 2 || sites.some(({ url }) => !URL.canParse(url))) {
  console.error(usage);
  process.exit(2);
}
const read = await Promise.all(
  sites.map(async ({ cluster, url }) => ({ cluster, content: await readRegistry(url) })),
);
const findings = compareSites(read);
for (const { kind, site, detail } of findings) console.log(`${site}: ${kind}: ${detail}`);
for (const { cluster, content } of read) {
  console.log(
    `${cluster}: ${content.services.size} services, ${content.instances.length} instances`,
  );
}
process.exitCode = findings.length === 0 ? 0 : 1;
