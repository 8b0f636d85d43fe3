// The etcd of cluster mode: a running daemon says what it sees; without one an etcd that is named is
// asked, and where each replica is to run its own, the program is looked for.

import { errorMessageKeys, SyncerError } from '../../../proto/errors.ts';
import { fail, ok, skipped, warn } from '../check.ts';
import type { Check, CheckFinding, EtcdSeen } from '../check.ts';

export const etcd: Check = {
  id: 'etcd',
  async run({ etcd: wanted, running }) {
    if (wanted === undefined) return skipped('doctor.text.etcd-none');
    if (running?.etcd !== undefined) return seenBy(running.etcd);
    try {
      const version = await wanted.probe();
      return ok(wanted.own ? 'doctor.text.etcd-program' : 'doctor.text.etcd', {
        place: wanted.place,
        version,
      });
    } catch (thrown) {
      if (thrown instanceof SyncerError) {
        const { text, remedy } = errorMessageKeys(thrown.code);
        const values = Object.entries(thrown.parameters).map(([name, value]) => [
          name,
          String(value),
        ]);
        return fail(text, remedy, Object.fromEntries(values) as Record<string, string>);
      }
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      return fail('doctor.text.etcd-silent', 'doctor.remedy.etcd', { place: wanted.place, detail });
    }
  },
};

function seenBy({ state, detail, version, members }: EtcdSeen): CheckFinding {
  switch (state) {
    case 'answering':
      return ok('doctor.text.etcd-members', { version, members });
    case 'forming':
      return warn('doctor.text.etcd-forming', 'doctor.remedy.etcd-forming', {
        detail: detail === '' ? 'none' : detail,
      });
    case 'away':
      return fail('doctor.text.etcd-away', 'doctor.remedy.etcd', { detail });
  }
}
