// Loaded into a daemon that the shell starts with plain Node: ends it gracefully when the shell is
// gone, which shows by the end of standard input. An emitted signal runs the handlers on every
// system; a sent one runs none on Windows.

process.stdin.on('end', () => process.emit('SIGTERM')).on('error', () => process.emit('SIGTERM'));
process.stdin.resume();
// The pipe alone must not keep the process alive.
process.stdin.unref();
