// One lab registry in a process of its own (argument: host). Prints its address, ends on SIGTERM.

import { startLabRegistry } from '../../daemon/lab/lab.ts';

const lab = await startLabRegistry({ host: process.argv[2] ?? '127.0.0.1' });
console.log(lab.url);
process.once('SIGTERM', () => void lab.close().then(() => process.exit(0)));
