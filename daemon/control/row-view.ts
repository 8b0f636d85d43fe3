// Rows of lists as messages.

import type { ServiceKey } from '../model/service.ts';
import type {
  ExplainStep,
  Explanation,
  InstanceRow,
  PlanItem,
  PlanView,
  ServiceRow,
} from '../sync/engine.ts';
import type { AuditEntry } from '../store/ports.ts';
import type {
  Activity,
  Explanation as ExplanationMessage,
  ExplainStep as ExplainStepMessage,
  InstanceDetail,
  InstanceRow as InstanceRowMessage,
  PlanItem as PlanItemMessage,
  PlanResponse,
  ServiceKey as ServiceKeyMessage,
  ServiceRow as ServiceRowMessage,
} from '../../proto/gen/syncer/control/v1/control.ts';

export function viewService(row: ServiceRow): ServiceRowMessage {
  return {
    key: viewKey(row),
    serviceId: row.serviceId,
    madeBy: row.madeBy,
    nativeInstances: row.nativeInstances,
    foreignInstances: { ...row.foreignInstances },
  };
}

export function viewInstance(row: InstanceRow): InstanceRowMessage {
  return {
    key: viewKey(row.key),
    serviceId: row.instance.serviceId,
    instanceId: row.instance.instanceId,
    endpoints: [...row.instance.endpoints],
    hostName: row.instance.hostName,
    status: row.instance.status,
    originCluster: row.originCluster,
    originServiceId: row.originServiceId,
    originInstanceId: row.originInstanceId,
    state: row.state,
    stateReason: row.stateReason,
    leaseUntilMs: row.leaseUntilMs,
    expiresAtMs: row.expiresAtMs,
    sinceMs: row.sinceMs,
  };
}

export function viewInstanceDetail(row: InstanceRow): InstanceDetail {
  const { instance } = row;
  const check = instance.healthCheck;
  return {
    row: viewInstance(row),
    properties: { ...instance.properties },
    version: instance.version,
    healthCheck: check && {
      mode: check.mode,
      port: check.port,
      intervalSeconds: check.interval,
      times: check.times,
      url: check.url,
    },
    dataCenterInfo: instance.dataCenterInfo && { ...instance.dataCenterInfo },
  };
}

export function viewExplanation(explanation: Explanation): ExplanationMessage {
  return {
    subject: explanation.subject,
    found: explanation.found,
    verdict: [...explanation.verdict],
    steps: explanation.steps.map(viewStep),
    history: explanation.history.map(viewActivity),
  };
}

export function viewActivity(entry: AuditEntry): Activity {
  return { ...entry };
}

export function viewPlan(plan: PlanView): PlanResponse {
  return {
    items: plan.items.map(viewPlanItem),
    unchanged: plan.unchanged,
    leftOut: plan.leftOut.map((left) => ({ ...left })),
    problems: [],
  };
}

function viewStep(step: ExplainStep): ExplainStepMessage {
  return { timeMs: step.timeMs, code: step.code, text: step.text };
}

function viewPlanItem(item: PlanItem): PlanItemMessage {
  return { ...item, service: viewKey(item.service), changes: [...item.changes] };
}

function viewKey(key: ServiceKey): ServiceKeyMessage {
  const { domain, project, environment, app, name, version } = key;
  return { domain, project, environment, app, name, version };
}
