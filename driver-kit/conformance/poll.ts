// Waiting for something to come true, without a guess of how long it takes.

/** Calls `look` until it gives something; rejects after `limitMs` with what the last error said. */
export async function poll<T>(
  look: () => T | undefined | Promise<T | undefined>,
  limitMs: number,
  everyMs = 50,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(`nothing came within ${limitMs} ms`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
