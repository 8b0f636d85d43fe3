// An invitation into a pool: a text that one site copies and another pastes. It names gossip
// addresses only; where the pool is encrypted, its key is handed over by another way.

const prefix = 'syncer-join:';
/** More would be no invitation but a mistake. */
const mostAddresses = 16;

/** Gives the invitation to a pool with members at these addresses (`host:port`). */
export function writeInvitation(addresses: readonly string[]): string {
  return prefix + addresses.join(',');
}

/** Gives the addresses in what a person has typed or pasted: an invitation, or addresses alone. */
export function readAddresses(text: string): readonly string[] {
  const list = text.trim().replace(/^syncer-join:/i, '');
  return list
    .split(/[\s,;]+/)
    .filter((address) => address !== '')
    .slice(0, mostAddresses);
}

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)(:\d+)?$/i.test(address.trim());
}
