// Whether this machine has IPv6 at all: containers often do not, and tests over `::1` then say so.

import { networkInterfaces } from 'node:os';

/** Why nothing can be bound to `::1` here; empty: it can. For `skip(reason !== '', reason)`. */
export function noLoopbackV6(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.some(({ address }) => address === '::1')
    ? ''
    : 'this machine has no ::1 (IPv6 is off)';
}
