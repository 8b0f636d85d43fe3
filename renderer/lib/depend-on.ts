/** Reading is what makes an effect depend on something; this says that it is done on purpose. */
export function dependOn(..._read: readonly unknown[]): void {
  // The arguments have been read by the caller.
}
