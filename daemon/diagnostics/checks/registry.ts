// The registry answers, as a version that is known, and lets us in.

import { fail, ok, warn, type Check, type CheckFinding } from '../check.ts';
import { askRegistry } from '../registry-probe.ts';

export const registry: Check = {
  id: 'registry',
  async run({ registryAddresses, running }, signal) {
    if (running?.sync.condition.state === 'answering') {
      const { address, version, roundMs } = running.sync.registry;
      return ok('doctor.text.registry', {
        address,
        version: version === '' ? 'unknown' : version,
        took: roundMs === undefined ? '' : { durationMs: roundMs },
        measured: roundMs === undefined ? 'no' : 'yes',
      });
    }
    const findings: CheckFinding[] = [];
    for (const address of registryAddresses) findings.push(await probe(address, signal));
    const bad = findings.filter(({ status }) => status !== 'ok');
    // With several addresses one that answers is enough to work, and the others are worth a word.
    const [worst] = bad;
    if (worst === undefined) return findings[0] ?? noAddress();
    return bad.length < findings.length ? { ...worst, status: 'warn' } : worst;
  },
};

async function probe(address: string, signal: AbortSignal): Promise<CheckFinding> {
  const answer = await askRegistry(address, signal);
  if (answer.kind === 'silent') {
    return fail('doctor.text.registry-silent', 'doctor.remedy.registry-silent', {
      address,
      detail: answer.detail,
    });
  }
  if (answer.status === 401 || answer.status === 403) {
    return fail('doctor.text.registry-rights', 'doctor.remedy.registry-rights', {
      address,
      status: answer.status,
    });
  }
  if (answer.status >= 400 || answer.version === '') {
    return warn('doctor.text.registry-strange', 'doctor.remedy.registry-strange', {
      address,
      status: answer.status,
    });
  }
  return ok('doctor.text.registry', {
    address,
    version: answer.version,
    measured: 'yes',
    took: { durationMs: answer.roundTripMs },
  });
}

function noAddress(): CheckFinding {
  return fail('doctor.text.registry-none', 'doctor.remedy.registry-none');
}
