// Coming back after a crash: the members of the snapshot are dialled in random order, one by one,
// until one answers.

import { randomInt, type Random } from '../../support/random.ts';
import type { JoinResult } from '../pool.ts';

interface RejoinPort {
  readonly random: Random;
  join(addresses: readonly string[]): Promise<JoinResult>;
  /** False once the member is on its way out. */
  isRunning(): boolean;
}

/** Gives the address that answered, or `undefined` where none did. */
export async function rejoin(
  addresses: readonly string[],
  port: RejoinPort,
): Promise<string | undefined> {
  const left = [...addresses];
  while (left.length > 0 && port.isRunning()) {
    const [address = ''] = left.splice(randomInt(port.random, left.length), 1);
    try {
      if ((await port.join([address])).joined > 0) return address;
    } catch {
      // The member was shut down meanwhile: the loop ends.
    }
  }
  return undefined;
}
