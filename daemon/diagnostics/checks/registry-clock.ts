// The registry's clock against ours, by the `Date` header. Leases are counted on the registry's
// side, so this only matters for reading logs side by side.

import { ok, skipped, warn, type Check } from '../check.ts';
import { askRegistry } from '../registry-probe.ts';

/** The header has whole seconds; less than this cannot be told from rounding and transit. */
const toleranceMs = 2_000;

export const registryClock: Check = {
  id: 'registry-clock',
  async run({ registryAddresses, running, clock }, signal) {
    const address = running?.sync.registry.address ?? registryAddresses[0];
    if (address === undefined || address === '') return skipped('doctor.text.registry-none');
    const answer = await askRegistry(address, signal);
    if (answer.kind === 'silent') return skipped('doctor.text.registry-clock-silent', { address });
    if (answer.dateMs === undefined) return skipped('doctor.text.registry-clock-none', { address });
    // The header was cut to a second and made half a round trip ago: take out what is expected.
    const offsetMs = answer.dateMs + 500 + answer.roundTripMs / 2 - clock.nowMs();
    const values = {
      address,
      offset: { durationMs: Math.abs(offsetMs) },
      direction: offsetMs > 0 ? 'ahead' : 'behind',
    };
    return Math.abs(offsetMs) > toleranceMs
      ? warn('doctor.text.registry-clock-off', 'doctor.remedy.clock', values)
      : ok('doctor.text.registry-clock', values);
  },
};
