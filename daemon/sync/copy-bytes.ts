// Bytes that are kept for long are copied out of the large buffers that they arrive in.

/** Gives a copy in memory of its own: neither a pool nor a network buffer is kept alive by it. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
