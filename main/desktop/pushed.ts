// From something that changes to a stream of the contract: its present value, then every next one.

/** Yields the value now and after each change, until `signal` aborts. Values between two reads are skipped. */
export async function* pushed<T>(
  read: () => T,
  onChange: (listener: () => void) => () => void,
  signal: AbortSignal,
): AsyncIterable<T> {
  let changed = Promise.withResolvers<undefined>();
  const wake = (): void => changed.resolve(undefined);
  const stop = onChange(wake);
  signal.addEventListener('abort', wake, { once: true });
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers<undefined>();
      yield read();
      await changed.promise;
    }
  } finally {
    stop();
    signal.removeEventListener('abort', wake);
  }
}
