// The addresses that we listen on belong to this machine.

import { fail, ok, type Check } from '../check.ts';
import { isOwnAddress, joinAddress } from '../addresses.ts';

export const bindAddress: Check = {
  id: 'bind-address',
  async run({ bind, rpc }) {
    const foreign = [bind, rpc].find(({ host }) => !isOwnAddress(host));
    const values = { bind: joinAddress(bind), rpc: joinAddress(rpc) };
    if (foreign === undefined) return ok('doctor.text.bind-address', values);
    return fail('doctor.text.bind-address-foreign', 'doctor.remedy.bind-address-foreign', {
      address: joinAddress(foreign),
    });
  },
};
