// The clocks of peers against ours, as the heartbeats measure them.

import { ok, skipped, warn, type Check } from '../check.ts';

const toleranceMs = 2_000;

export const peerClocks: Check = {
  id: 'peer-clocks',
  async run({ running }) {
    if (running === undefined) return skipped('doctor.text.needs-daemon');
    const measured = running.sync.peers.flatMap(({ cluster, clockOffsetMs }) =>
      clockOffsetMs === undefined ? [] : [{ cluster, offsetMs: clockOffsetMs }],
    );
    const worst = measured.sort((a, b) => Math.abs(b.offsetMs) - Math.abs(a.offsetMs))[0];
    if (worst === undefined) return skipped('doctor.text.peer-clocks-unmeasured');
    const values = {
      cluster: worst.cluster,
      count: measured.length,
      offset: { durationMs: Math.abs(worst.offsetMs) },
      direction: worst.offsetMs > 0 ? 'ahead' : 'behind',
    };
    return Math.abs(worst.offsetMs) > toleranceMs
      ? warn('doctor.text.peer-clocks-off', 'doctor.remedy.clock', values)
      : ok('doctor.text.peer-clocks', values);
  },
};
