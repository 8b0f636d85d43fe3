// Runs the self-checks side by side and gives each result as it comes.

import { textOf } from '../../proto/health.ts';
import { SyncerError } from '../../proto/errors.ts';
import { advertiseAddress } from './checks/advertise-address.ts';
import { bindAddress } from './checks/bind-address.ts';
import { dataDirectory } from './checks/data-directory.ts';
import { diskSpace } from './checks/disk-space.ts';
import { etcd } from './checks/etcd.ts';
import { joinNames } from './checks/join-names.ts';
import { joinPorts } from './checks/join-ports.ts';
import { openFiles } from './checks/open-files.ts';
import { peerClocks } from './checks/peer-clocks.ts';
import { ports } from './checks/ports.ts';
import { registry } from './checks/registry.ts';
import { registryClock } from './checks/registry-clock.ts';
import { store } from './checks/store.ts';
import type { Check, CheckContext, CheckResult } from './check.ts';

/** Every check, in the order in which a person would look. */
export const checks: readonly Check[] = [
  dataDirectory,
  diskSpace,
  store,
  openFiles,
  bindAddress,
  ports,
  advertiseAddress,
  registry,
  registryClock,
  etcd,
  joinNames,
  joinPorts,
  peerClocks,
];

/**
 * Runs the named checks (none named: all) and yields each result when it is there. Throws
 * `request.wrong-argument` for a name that is no check.
 */
export async function* runChecks(
  context: CheckContext,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<CheckResult> {
  const running = new Map(
    selected(ids).map((check) => [check.id, runOne(check, context, signal)] as const),
  );
  while (running.size > 0 && !signal.aborted) {
    const result = await Promise.race(running.values());
    running.delete(result.id);
    yield result;
  }
}

function selected(ids: readonly string[]): readonly Check[] {
  const unknown = ids.find((id) => !checks.some((check) => check.id === id));
  if (unknown !== undefined) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'check',
      value: unknown,
      expected: checks.map(({ id }) => id).join(', '),
    });
  }
  return ids.length === 0 ? checks : checks.filter(({ id }) => ids.includes(id));
}

async function runOne(
  check: Check,
  context: CheckContext,
  signal: AbortSignal,
): Promise<CheckResult> {
  const startMs = context.clock.monotonicMs();
  const durationMs = (): number => context.clock.monotonicMs() - startMs;
  try {
    return { id: check.id, ...(await check.run(context, signal)), durationMs: durationMs() };
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return {
      id: check.id,
      status: 'fail',
      text: textOf('doctor.text.check-broken', { check: check.id, detail }),
      remedy: textOf('doctor.remedy.check-broken'),
      durationMs: durationMs(),
    };
  }
}
