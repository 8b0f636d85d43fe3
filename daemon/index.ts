// The entry: checks the runtime before anything native is loaded, then runs the command line.
// `launch.mjs` starts it on the right Node where the present one is too old.

import { isNodeEnough, neededNode } from './support/runtime.ts';

if (isNodeEnough(process.versions.node)) {
  // Loaded now and not before: on an older Node the SQLite addon behind it crashes the process.
  const { runCli } = await import('./cli/run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  const { describeError, SyncerError } = await import('../proto/errors.ts');
  const { createTranslator, pickLocale } = await import('../proto/translate.ts');
  const error = new SyncerError('runtime.too-old', {
    found: process.version,
    needed: neededNode,
  });
  const { text, remedy } = describeError(
    error,
    createTranslator(pickLocale(undefined, process.env)),
  );
  process.stderr.write(`${text}\n${remedy}\n`);
  process.exitCode = error.exitCode;
}
