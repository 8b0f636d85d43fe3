// A plan as a person reads it. Pure.

import { RecordError } from '../model/record-codec.ts';
import { because, readReason, writeReason, type Reason } from '../model/reason.ts';
import type { Instance, ServiceKey } from '../model/service.ts';
import { differingFields } from './copy.ts';
import type { DesiredInstance } from './desired.ts';
import type { PlanItem, PlanView } from './engine.ts';
import type { LocalCopy, LocalService } from './local-view.ts';
import type { ServicePlan, Unwanted } from './plan.ts';

export interface PlanViewOptions {
  readonly plans: Iterable<ServicePlan>;
  readonly local: (keyText: string) => LocalService | undefined;
  readonly isHeld: (unwanted: Unwanted) => boolean;
  /** Builds the content of a copy; may throw `RecordError`. */
  readonly build: (wanted: DesiredInstance) => Instance;
}

/** Gives the items of the plans in the order in which they would be written. */
export function planView(options: PlanViewOptions): PlanView {
  const added: PlanItem[] = [];
  const updated: PlanItem[] = [];
  const removed: PlanItem[] = [];
  const leftOut = new Map<string, number>();
  let unchanged = 0;
  for (const plan of options.plans) {
    const local = options.local(plan.keyText);
    unchanged += plan.unchanged.length;
    for (const { reason } of plan.desired.leftOut) {
      const line = writeReason(reason);
      leftOut.set(line, (leftOut.get(line) ?? 0) + 1);
    }
    if (plan.create !== undefined) {
      const { service, peer } = plan.create;
      added.push(serviceItem('create-service', peer.cluster, service, because('service-missing')));
    }
    for (const wanted of plan.adds) {
      added.push(instanceItem('add', wanted, because('instance-missing'), []));
    }
    if (plan.update !== undefined) {
      const { service, peer } = plan.update;
      updated.push(serviceItem('update-service', peer.cluster, service, because('differs')));
    }
    for (const { wanted, actual } of plan.updates) {
      const changes = changesOf(options, wanted, actual);
      updated.push(instanceItem('update', wanted, wanted.kept ?? because('differs'), changes));
    }
    if (local === undefined) continue;
    const cluster = local.madeBy ?? '';
    if (plan.release) {
      const reason = because('application-in-it');
      updated.push(serviceItem('release-service', cluster, local.service, reason));
    }
    for (const unwanted of plan.unwanted) {
      const held = options.isHeld(unwanted);
      if (unwanted.ground.kind === 'unproven' && !held) continue;
      removed.push(removalItem(unwanted, local, held));
    }
    if (plan.remove) {
      const reason = because('service-empty');
      removed.push(serviceItem('remove-service', cluster, local.service, reason));
    }
  }
  return {
    items: [...added, ...updated, ...removed],
    unchanged,
    leftOut: [...leftOut].map(([line, count]) => ({ reason: readReason(line), count })),
  };
}

function changesOf(
  { build }: PlanViewOptions,
  wanted: DesiredInstance,
  actual: LocalCopy,
): readonly string[] {
  try {
    return differingFields(build(wanted), actual.instance);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return [];
  }
}

function instanceItem(
  action: 'add' | 'update',
  wanted: DesiredInstance,
  reason: Reason,
  changes: readonly string[],
): PlanItem {
  const { contribution, source, copyId } = wanted;
  return {
    action,
    cluster: contribution.peer.cluster,
    service: keyOf(contribution.service),
    originInstanceId: source.instanceId,
    instanceId: copyId,
    reason,
    held: false,
    changes,
  };
}

function removalItem({ copy, ground }: Unwanted, local: LocalService, held: boolean): PlanItem {
  return {
    action: 'remove',
    cluster: copy.stamp.originCluster,
    service: keyOf(local.service),
    originInstanceId: copy.stamp.originInstance,
    instanceId: copy.instance.instanceId,
    reason: ground.reason,
    held,
    changes: [],
  };
}

function serviceItem(
  action: PlanItem['action'],
  cluster: string,
  service: ServiceKey,
  reason: Reason,
): PlanItem {
  return {
    action,
    cluster,
    service: keyOf(service),
    originInstanceId: '',
    instanceId: '',
    reason,
    held: false,
    changes: [],
  };
}

/** Gives only the identity of a service. */
export function keyOf(service: ServiceKey): ServiceKey {
  const { domain, project, environment, app, name, version } = service;
  return { domain, project, environment, app, name, version };
}
