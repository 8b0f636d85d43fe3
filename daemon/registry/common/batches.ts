// Many items for calls that take few.

/** Gives the items in lists of at most `size`, in order. */
export function* inBatches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (!(size >= 1)) throw new RangeError(`a batch of ${size}`);
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
