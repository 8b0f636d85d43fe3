// The fake host by hand: `npx node test/ui/fake-host/main.ts loaded 5180`, after
// `npm run build:renderer`.

import { fileURLToPath } from 'node:url';
import { createFakeDaemon } from './daemon.ts';
import { scenarios } from './scenario.ts';
import { startFakeHost } from './server.ts';

const [wanted = 'loaded', port = '5180'] = process.argv.slice(2);
const scenario = scenarios.find((name) => name === wanted);
if (scenario === undefined) {
  console.error(`There is no scenario ${wanted}. Use one of: ${scenarios.join(', ')}.`);
  process.exit(64);
}
const host = await startFakeHost({
  pageFolder: fileURLToPath(new URL('../../../dist/renderer', import.meta.url)),
  daemon: createFakeDaemon({ scenario }),
  port: Number(port),
});
console.log(`${scenario}: ${host.url}`);
