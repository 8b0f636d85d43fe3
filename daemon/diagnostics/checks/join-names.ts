// The names in the join addresses resolve.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { fail, ok, skipped, type Check } from '../check.ts';
import { splitAddress } from '../addresses.ts';

export const joinNames: Check = {
  id: 'join-names',
  async run({ joinAddresses }) {
    const names = joinAddresses
      .map((address) => splitAddress(address).host)
      .filter((host) => isIP(host) === 0);
    if (names.length === 0) return skipped('doctor.text.join-names-none');
    for (const name of names) {
      try {
        await lookup(name, { all: true });
      } catch (error) {
        const detail =
          error instanceof Error && 'code' in error ? String(error.code) : String(error);
        return fail('doctor.text.join-names-unknown', 'doctor.remedy.join-names', { name, detail });
      }
    }
    return ok('doctor.text.join-names', { names: names.join(', ') });
  },
};
