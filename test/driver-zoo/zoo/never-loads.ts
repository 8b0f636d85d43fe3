// Waits for ever at the top of its module, with something that keeps its thread alive.
setInterval(() => undefined, 1_000);
await new Promise(() => undefined);
