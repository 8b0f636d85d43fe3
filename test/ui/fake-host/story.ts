// What happened in a scenario: its audit log, its log lines, its self-checks.

import type {
  Activity,
  DiagnosticResult,
  LogLine,
  Text,
} from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOf } from '../../../proto/health.ts';
import type { InstanceRow } from '../../../daemon/sync/engine.ts';
import { randomOf, type Scenario } from './scenario.ts';

/** Gives the audit log, newest first. */
export function makeActivity(rows: readonly InstanceRow[], nowMs: number): readonly Activity[] {
  const random = randomOf(11);
  const copies = rows.filter(({ state }) => state !== 'native').slice(0, 240);
  return copies.map((row, at) => {
    const held = row.state === 'held';
    const action = held
      ? 'held'
      : (['created', 'updated', 'created', 'removed'][at % 4] ?? 'created');
    const revision = 48_000 - at;
    const written = textOf('reason.written', {
      revision,
      service: row.originServiceId.slice(0, 8),
      instance: row.originInstanceId.slice(0, 8),
    });
    const reasons: Readonly<Record<string, Text | undefined>> = {
      created: written,
      updated: written,
      removed: textOf('reason.tombstone', { revision }),
      held: row.stateReason,
    };
    return {
      timeMs: nowMs - 2_000 - at * 37_000 - Math.floor(random() * 9_000),
      action,
      cluster: row.originCluster,
      service: row.key.name,
      instance: row.instance.instanceId,
      reason: reasons[action],
    };
  });
}

const spoken: readonly (readonly [string, string, string, string])[] = [
  ['info', 'gossip', 'a member joined', '{"member":"shanghai-2","address":"10.20.0.12:30190"}'],
  ['debug', 'registry', 'a round was read', '{"services":10,"instances":120,"tookMs":12}'],
  ['info', 'sync', 'copies were written', '{"peer":"shanghai","added":12,"changed":1,"removed":0}'],
  ['warn', 'replication', 'the peer has been silent', '{"peer":"guangzhou","silentMs":41000}'],
  ['info', 'sync', 'leases were renewed', '{"kept":350,"tookMs":210}'],
  [
    'error',
    'replication',
    'dialling failed',
    '{"peer":"chengdu-factory-floor-3","detail":"14 UNAVAILABLE: connect ECONNREFUSED 10.9.0.4:30191"}',
  ],
];

/** Gives one log line; `at` counts them. */
export function makeLogLine(at: number, timeMs: number): LogLine {
  const [level = '', part = '', message = '', fields = ''] = spoken[at % spoken.length] ?? [];
  return { timeMs, level, part, message, fields, dropped: 0 };
}

/** Gives the self-checks' results in the order that they end. */
export function makeDiagnostics(scenario: Scenario): readonly DiagnosticResult[] {
  const trouble = scenario === 'loaded';
  const directory = '/var/lib/syncer';
  const ok = (
    id: string,
    text: DiagnosticResult['text'],
    durationMs: number,
  ): DiagnosticResult => ({
    ...{ id, status: 'ok', text, remedy: undefined, durationMs },
  });
  return [
    ok('data-directory', textOf('doctor.text.data-directory', { directory }), 1),
    ok('disk-space', textOf('doctor.text.disk-space', { mib: 48_210, directory }), 1),
    ok('store', textOf('doctor.text.store', { file: `${directory}/syncer.db` }), 18),
    ok('open-files', textOf('doctor.text.open-files', { limit: 65_536, wanted: 4_096 }), 0),
    ok(
      'bind-address',
      textOf('doctor.text.bind-address', { bind: '0.0.0.0:30190', rpc: '0.0.0.0:30191' }),
      0,
    ),
    ok(
      'ports',
      textOf('doctor.text.ports-held', { bind: '0.0.0.0:30190', rpc: '0.0.0.0:30191' }),
      4,
    ),
    trouble
      ? {
          id: 'advertise-address',
          status: 'warn',
          text: textOf('doctor.text.advertise-loopback', {
            address: '127.0.0.1:30190',
            peer: 'shanghai',
          }),
          remedy: textOf('doctor.remedy.advertise'),
          durationMs: 1,
        }
      : ok(
          'advertise-address',
          textOf('doctor.text.advertise', { address: '10.20.0.10:30190' }),
          1,
        ),
    ok(
      'registry',
      textOf('doctor.text.registry', {
        ...{ address: 'http://127.0.0.1:30100', version: '2.3.0', measured: 'yes' },
        took: { durationMs: 12 },
      }),
      14,
    ),
    ok(
      'registry-clock',
      textOf('doctor.text.registry-clock', {
        address: 'http://127.0.0.1:30100',
        offset: { durationMs: 240 },
      }),
      12,
    ),
    ok('join-names', textOf('doctor.text.join-names-none'), 0),
    trouble
      ? {
          id: 'join-ports',
          status: 'fail',
          text: textOf('errors.join.rpc-port.text', { address: '10.9.0.4:30191' }),
          remedy: textOf('errors.join.rpc-port.remedy', { address: '10.9.0.4:30191' }),
          durationMs: 31,
        }
      : ok('join-ports', textOf('doctor.text.join-ports-none'), 1),
    scenario === 'empty'
      ? {
          id: 'peer-clocks',
          status: 'skipped',
          text: textOf('doctor.text.peer-clocks-unmeasured'),
          remedy: undefined,
          durationMs: 0,
        }
      : ok(
          'peer-clocks',
          textOf('doctor.text.peer-clocks', {
            count: 2,
            offset: { durationMs: 3 },
            cluster: 'none',
            direction: 'none',
          }),
          0,
        ),
  ];
}
