// What peers are told to dial can be dialled from where they are.

import { ok, skipped, warn, fail, type Check } from '../check.ts';
import { isLoopback, isWildcard, joinAddress, splitAddress } from '../addresses.ts';

export const advertiseAddress: Check = {
  id: 'advertise-address',
  async run({ advertise, bind, joinAddresses, running }) {
    const told = advertise ?? bind;
    const address = joinAddress(told);
    if (isWildcard(told.host)) {
      return advertise === undefined
        ? ok('doctor.text.advertise-wildcard', { address })
        : fail('doctor.text.advertise-none', 'doctor.remedy.advertise', { address });
    }
    const elsewhere = [
      ...joinAddresses.map((text) => splitAddress(text).host),
      ...(running?.members ?? []).map((member) => member.address),
    ].filter((host) => !isLoopback(host));
    if (!isLoopback(told.host)) return ok('doctor.text.advertise', { address });
    const first = elsewhere[0];
    if (first !== undefined) {
      return fail('doctor.text.advertise-loopback', 'doctor.remedy.advertise', {
        address,
        peer: first,
      });
    }
    if (joinAddresses.length > 0) return skipped('doctor.text.advertise-local', { address });
    return warn('doctor.text.advertise-lonely', 'doctor.remedy.advertise', { address });
  },
};
