// The answer to "why is this here, or why not?": the way of a service or an instance, step by step,
// with the decisions that were kept about it.

import { instanceRecordKey, serviceRecordKey } from '../model/records.ts';
import type { AuditEntry, AuditLog } from '../store/ports.ts';
import type { Contribution, DesiredState } from './desired.ts';
import type { ExplainStep, Explanation, InstanceRow } from './engine.ts';
import type { ExportLog } from './export-log.ts';
import type { LocalService, LocalView } from './local-view.ts';
import type { PeerRegistry } from './peer-registry.ts';
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
    if (more > 0) steps.push(step('more', `${more} more instances have this id`));
    const history = await historyOf(sources.audit, { instance: first.instance.instanceId });
    return { subject, found: 'instance', verdict: verdictOf(rows), steps, history };
  }
  const refused = [...sources.peers.all.values()].flatMap((peer) =>
    [...peer.refused]
      .filter(([key]) => key.endsWith(`/${subject}`))
      .map(([key, reason]) => step('refused', `${key} of ${peer.cluster}: ${reason}`)),
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
    const verdict = `${services.length} here, ${contributions.length} from peers`;
    return { subject, found: 'service', verdict, steps, history };
  }
  const history = await historyOf(sources.audit, { instance: subject });
  const verdict =
    refused.length > 0
      ? 'a peer sent it, and it was refused'
      : 'neither the local registry nor any peer names it';
  return { subject, found: 'nothing', verdict, steps: refused, history };
}

function instanceSteps(sources: ExplainSources, row: InstanceRow): ExplainStep[] {
  return row.state === 'native' ? nativeSteps(sources, row) : foreignSteps(sources, row);
}

function nativeSteps(sources: ExplainSources, row: InstanceRow): ExplainStep[] {
  const { key, instance } = row;
  const steps = [
    step('native', `an application registered it under ${key.app}/${key.name} ${key.version}`),
  ];
  const record = sources.log.record(instanceRecordKey(instance));
  const verdict = sources.rules.exportVerdict(key);
  if (!verdict.included) steps.push(step('export-rule', `not exported: ${verdict.ruleName}`));
  else if (record !== undefined) {
    steps.push(
      step(
        'exported',
        `revision ${record.revision} of epoch ${sources.log.epoch}`,
        record.originTimeMs,
      ),
    );
  } else steps.push(step('not-exported', 'the export log does not hold it'));
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
        ? step('stamped', `a copy from ${originCluster}, which has not named it since our start`)
        : step('removed-at-origin', `${removal.proof}, revision ${removal.revision}`, removal.atMs),
    );
  } else {
    steps.push(
      step('received', `revision ${record.revision} of ${originCluster}`, record.originTimeMs),
    );
  }
  const contribution = source === undefined ? undefined : sources.desired.contributionOf(source);
  if (contribution !== undefined) steps.push(contributionStep(contribution));
  if (peer !== undefined && peer.linkState !== 'connected') {
    steps.push(step('peer', `${originCluster} is ${peer.linkState}: ${peer.linkReason}`));
  }
  steps.push(
    step(row.state, row.stateReason === '' ? `its copy is ${row.state}` : row.stateReason),
  );
  if (row.leaseUntilMs !== undefined) {
    steps.push(step('lease', 'its lease ends then, if nobody renews it', row.leaseUntilMs));
  }
  if (row.expiresAtMs !== undefined) {
    steps.push(step('expires', 'the absence policy removes it then', row.expiresAtMs));
  }
  return steps;
}

function localServiceSteps(sources: ExplainSources, local: LocalService): ExplainStep[] {
  const { service, madeBy, natives, copies, keyText } = local;
  const steps = [
    madeBy === undefined
      ? step('native', `${keyText} was registered by an application`)
      : step('made', `${keyText} was made here for ${madeBy}`),
    step('instances', `${natives.size} native, ${copies.size} foreign`),
  ];
  const record = sources.log.record(serviceRecordKey(service));
  const verdict = sources.rules.exportVerdict(service);
  if (!verdict.included) steps.push(step('export-rule', `not exported: ${verdict.ruleName}`));
  else if (record !== undefined) {
    steps.push(step('exported', `revision ${record.revision}`, record.originTimeMs));
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
  const from = `${peer.cluster} exports it as ${source.serviceId}`;
  if (!verdict.included) return step('import-rule', `${from}; excluded by ${verdict.ruleName}`);
  const rule = verdict.ruleName === '' ? '' : ` by ${verdict.ruleName}`;
  return step('import', `${from}; its place here is ${keyText}${rule}`);
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

function verdictOf(rows: readonly InstanceRow[]): string {
  return rows
    .map(({ state, stateReason, originCluster }) =>
      state === 'native'
        ? 'native'
        : `${state}, from ${originCluster}${stateReason === '' ? '' : `: ${stateReason}`}`,
    )
    .join('; ');
}

function historyOf(
  audit: AuditLog,
  filter: { readonly service?: string; readonly instance?: string },
): Promise<readonly AuditEntry[]> {
  return audit.read({ ...filter, limit: maxHistory });
}

function step(code: string, text: string, timeMs?: number): ExplainStep {
  return { timeMs, code, text };
}
