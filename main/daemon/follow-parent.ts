// Loaded into a daemon that the shell starts with plain Node: ends it gracefully when the shell is
// gone, which shows by the end of standard input. An emitted signal runs the handlers on every
// system; a sent one runs none on Windows.

import { isMainThread } from 'node:worker_threads';

// The daemon's workers load it too, and have a standard input of their own that says nothing.
if (isMainThread) {
  process.stdin.on('end', () => process.emit('SIGTERM')).on('error', () => process.emit('SIGTERM'));
  process.stdin.resume();
  // The pipe alone must not keep the process alive.
  process.stdin.unref();
}
