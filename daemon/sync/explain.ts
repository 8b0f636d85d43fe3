// The answer to "why is this here, or why not?": the way of a service or an instance, step by step,
// with the decisions that were kept about it.

import { because, type Reason } from '../model/reason.ts';
import { instanceRecordKey, serviceRecordKey } from '../model/records.ts';
import type { AuditEntry, AuditLog } from '../store/ports.ts';
import type { Contribution, DesiredState } from './desired.ts';
import type { ExplainStep, Explanation, InstanceRow } from './engine.ts';
import type { ExportLog } from './export-log.ts';
import type { LocalService, LocalView } from './local-view.ts';
import type { PeerRegistry } from './peer-registry.ts';
import type { PeerState } from './peer-state.ts';
import type { Reconciler } from './reconciler.ts';
import { instanceRows, type RowSources } from './rows.ts';
import type { CompiledRules } from './rules.ts';
import { serviceJobKey } from './writer.ts';

export interface ExplainSources extends RowSources {
  readonly view: LocalView;
  readonly reconciler: Reconciler;
  readonly log: ExportLog;
  readonly peers: PeerRegistry;
  readonly desired: DesiredState;
  readonly rules: CompiledRules;
  readonly audit: AuditLog;
}

/** Rows that one answer goes into; more of one subject are counted. */
const maxRows = 20;
const maxHistory = 50;

/** Explains an instance (its id here or at its origin) or a service (id, name, or whole key). */
export async function explain(sources: ExplainSources, subject: string): Promise<Explanation> {
  const rows: InstanceRow[] = [];
  let more = 0;
  for (const row of instanceRows(sources, {})) {
    const { instance, originInstanceId } = row;
    if (instance.instanceId !== subject && originInstanceId !== subject) continue;
    if (rows.length < maxRows) rows.push(row);
    else more++;
  }
  const first = rows[0];
  if (first !== undefined) {
    const steps = rows.flatMap((row) => instanceSteps(sources, row));
    if (more > 0) steps.push(step('more', because('more-of-id', { count: more })));
    const history = await historyOf(sources.audit, { instance: first.instance.instanceId });
    return { subject, found: 'instance', verdict: verdictOf(rows), steps, history };
  }
  const refused = [...sources.peers.all.values()].flatMap((peer) =>
    [...peer.refused]
      .filter(([key]) => key.endsWith(`/${subject}`))
      .map(([key, detail]) =>
        step('refused', because('record-refused', { record: key, cluster: peer.cluster, detail })),
      ),
  );
  const services = [...sources.view.services()].filter((local) => namesService(local, subject));
  const contributions = contributionsTo(sources, subject);
  if (services.length > 0 || contributions.length > 0) {
    const steps = [
      ...services.flatMap((local) => localServiceSteps(sources, local)),
      ...contributions.map(contributionStep),
      ...refused,
    ];
    const name = services[0]?.service.name ?? contributions[0]?.service.name ?? subject;
    const history = await historyOf(sources.audit, { service: name });
    const verdict = because('verdict-service', {
      natives: services.length,
      copies: contributions.length,
    });
    return { subject, found: 'service', verdict: [verdict], steps, history };
  }
  const history = await historyOf(sources.audit, { instance: subject });
  const verdict = because(refused.length > 0 ? 'verdict-refused' : 'verdict-nothing');
  return { subject, found: 'nothing', verdict: [verdict], steps: refused, history };
}

function instanceSteps(sources: ExplainSources, row: InstanceRow): ExplainStep[] {
  return row.state === 'native' ? nativeSteps(sources, row) : foreignSteps(sources, row);
}

function nativeSteps(sources: ExplainSources, row: InstanceRow): ExplainStep[] {
  const { key, instance } = row;
  const service = `${key.app}/${key.name} ${key.version}`;
  const steps = [step('native', because('native', { service }))];
  const record = sources.log.record(instanceRecordKey(instance));
  const verdict = sources.rules.exportVerdict(key);
  if (!verdict.included)
    steps.push(step('export-rule', because('export-excluded', { rule: verdict.ruleName })));
  else if (record !== undefined) {
    steps.push(step('exported', exportText(sources.log, record.revision), record.originTimeMs));
  } else steps.push(step('not-exported', because('not-in-log')));
  return steps;
}

function foreignSteps(sources: ExplainSources, row: InstanceRow): ExplainStep[] {
  const { originCluster, originServiceId, originInstanceId } = row;
  const peer = sources.peers.all.get(originCluster);
  const source = peer?.service(originServiceId);
  const record = source?.instances.get(originInstanceId);
  const steps: ExplainStep[] = [];
  if (record === undefined) {
    const removal = peer?.removal(
      instanceRecordKey({ serviceId: originServiceId, instanceId: originInstanceId }),
    );
    steps.push(
      removal === undefined
        ? step('stamped', because('stamped', { cluster: originCluster }))
        : step('removed-at-origin', removalText(originCluster, removal), removal.atMs),
    );
  } else {
    steps.push(
      step(
        'received',
        because('received', { revision: record.revision, cluster: originCluster }),
        record.originTimeMs,
      ),
    );
  }
  const contribution = source === undefined ? undefined : sources.desired.contributionOf(source);
  if (contribution !== undefined) steps.push(contributionStep(contribution));
  if (peer !== undefined && peer.linkState !== 'connected') {
    steps.push(step('peer', linkText(peer)));
  }
  steps.push(step(row.state, row.stateReason ?? because('copy-in-sync')));
  if (row.leaseUntilMs !== undefined) {
    steps.push(step('lease', because('lease-end'), row.leaseUntilMs));
  }
  if (row.expiresAtMs !== undefined) {
    steps.push(step('expires', because('policy-end'), row.expiresAtMs));
  }
  return steps;
}

function localServiceSteps(sources: ExplainSources, local: LocalService): ExplainStep[] {
  const { service, madeBy, natives, copies, keyText } = local;
  const steps = [
    madeBy === undefined
      ? step('native', because('service-native', { service: keyText }))
      : step('made', because('service-made', { service: keyText, cluster: madeBy })),
    step('instances', because('instances-here', { natives: natives.size, copies: copies.size })),
  ];
  const record = sources.log.record(serviceRecordKey(service));
  const verdict = sources.rules.exportVerdict(service);
  if (!verdict.included)
    steps.push(step('export-rule', because('export-excluded', { rule: verdict.ruleName })));
  else if (record !== undefined) {
    steps.push(step('exported', exportText(sources.log, record.revision), record.originTimeMs));
  }
  const refusal = sources.reconciler.refusal(serviceJobKey(keyText));
  if (refusal !== undefined) steps.push(step('failed', refusal));
  for (const { reason } of sources.reconciler.summary(keyText)?.plan.desired.leftOut ?? []) {
    if (steps.length >= maxRows) break;
    steps.push(step('left-out', reason));
  }
  return steps;
}

function contributionStep(contribution: Contribution): ExplainStep {
  const { peer, source, verdict, keyText } = contribution;
  const from = { cluster: peer.cluster, id: source.serviceId };
  const { included, ruleName: rule } = verdict;
  if (!included) return step('import-rule', because('import-excluded', { ...from, rule }));
  const there = { ...from, place: keyText };
  return step(
    'import',
    rule === '' ? because('import', there) : because('import-by-rule', { ...there, rule }),
  );
}

function contributionsTo(sources: ExplainSources, subject: string): readonly Contribution[] {
  const found: Contribution[] = [];
  for (const keyText of sources.desired.keys()) {
    for (const contribution of sources.desired.contributions(keyText)) {
      const { service, source } = contribution;
      const names = [service.name, source.record?.service.name, source.serviceId, keyText];
      if (names.includes(subject)) found.push(contribution);
    }
  }
  return found;
}

function namesService({ service, keyText }: LocalService, subject: string): boolean {
  return [service.name, service.serviceId, keyText].includes(subject);
}

function verdictOf(rows: readonly InstanceRow[]): readonly Reason[] {
  return rows.flatMap(({ state, stateReason, originCluster: cluster }) => {
    if (state === 'native') return [because('verdict-native')];
    const said = because(`verdict-${state}`, { cluster });
    return stateReason === undefined ? [said] : [said, stateReason];
  });
}

function exportText({ epoch }: ExportLog, revision: number): Reason {
  return because('exported', { revision, epoch });
}

function removalText(
  cluster: string,
  { proof, revision }: NonNullable<ReturnType<PeerState['removal']>>,
): Reason {
  return because(proof === 'tombstone' ? 'told-gone' : 'absent-at', { cluster, revision });
}

function linkText({ cluster, linkState: state, linkReason }: PeerState): Reason {
  return because('peer-away', { cluster, state, detail: linkReason === '' ? 'none' : linkReason });
}

function historyOf(
  audit: AuditLog,
  filter: { readonly service?: string; readonly instance?: string },
): Promise<readonly AuditEntry[]> {
  return audit.read({ ...filter, limit: maxHistory });
}

function step(code: string, text: Reason, timeMs?: number): ExplainStep {
  return { timeMs, code, text };
}
