// Every service and instance, native and foreign, as rows with their state and its reason.

import { decodeInstance, RecordError } from '../model/record-codec.ts';
import { because, type Reason } from '../model/reason.ts';
import type { Instance } from '../model/service.ts';
import type { Clock } from '../support/clock.ts';
import { absencePhase } from './absence.ts';
import { silenceOf, type DesiredInstance, type LeftOut } from './desired.ts';
import type { InstanceFilter, InstanceRow, ServiceRow } from './engine.ts';
import type { HeldRemovals } from './held-removals.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { LocalCopy, LocalService, LocalView } from './local-view.ts';
import type { PeerInstance } from './peer-records.ts';
import type { Unwanted } from './plan.ts';
import { keyOf } from './plan-view.ts';
import type { Reconciler } from './reconciler.ts';
import { copyJobKey, refOf } from './writer.ts';

export interface RowSources {
  readonly cluster: string;
  readonly view: LocalView;
  readonly reconciler: Reconciler;
  readonly held: HeldRemovals;
  readonly leases: LeaseKeeper;
  readonly clock: Clock;
  /** When we first saw a native instance's content. */
  readonly nativeSinceMs: (instance: Instance) => number;
}

export function* serviceRows(view: LocalView): Iterable<ServiceRow> {
  for (const { service, madeBy, natives, copies } of view.services()) {
    const foreign: Record<string, number> = {};
    for (const { stamp } of copies.values()) {
      foreign[stamp.originCluster] = (foreign[stamp.originCluster] ?? 0) + 1;
    }
    yield {
      ...keyOf(service),
      serviceId: service.serviceId,
      madeBy: madeBy ?? 'native',
      nativeInstances: natives.size,
      foreignInstances: foreign,
    };
  }
}

/** Gives the rows that the filter lets through, one by one: there may be hundreds of thousands. */
export function* instanceRows(sources: RowSources, filter: InstanceFilter): Iterable<InstanceRow> {
  const passes = rowTest(filter);
  for (const local of sources.view.services()) {
    if (filter.cluster !== undefined && filter.cluster !== sources.cluster) continue;
    for (const instance of local.natives.values()) {
      const row = nativeRow(sources, local, instance);
      if (passes(row)) yield row;
    }
  }
  for (const { plan } of sources.reconciler.summaries()) {
    for (const row of foreignRows(sources, plan)) if (passes(row)) yield row;
  }
}

type Summary = ReturnType<Reconciler['summaries']> extends Iterable<infer T> ? T : never;

function* foreignRows(sources: RowSources, plan: Summary['plan']): Iterable<InstanceRow> {
  for (const wanted of plan.adds) yield wantedRow(sources, wanted, undefined);
  for (const { wanted, actual } of plan.updates) yield wantedRow(sources, wanted, actual);
  for (const { wanted, actual } of plan.unchanged) yield wantedRow(sources, wanted, actual);
  const local = sources.view.byKey(plan.keyText);
  for (const leftOut of plan.desired.leftOut) yield leftOutRow(leftOut);
  if (local === undefined) return;
  for (const unwanted of plan.unwanted) yield unwantedRow(sources, local, unwanted);
}

function nativeRow(sources: RowSources, local: LocalService, instance: Instance): InstanceRow {
  return {
    key: keyOf(local.service),
    instance,
    originCluster: sources.cluster,
    originServiceId: local.service.serviceId,
    originInstanceId: instance.instanceId,
    state: 'native',
    stateReason: undefined,
    leaseUntilMs: undefined,
    expiresAtMs: undefined,
    sinceMs: sources.nativeSinceMs(instance),
  };
}

function wantedRow(
  sources: RowSources,
  wanted: DesiredInstance,
  actual: LocalCopy | undefined,
): InstanceRow {
  const { contribution, source, copyId, quarantined, kept, hash } = wanted;
  const { peer, keyText, service } = contribution;
  const refusal = sources.reconciler.refusal(copyJobKey(keyText, copyId));
  const here = actual?.hash === hash;
  const [state, stateReason]: [InstanceRow['state'], Reason | undefined] = !here
    ? refusal === undefined
      ? ['pending', because(actual === undefined ? 'not-written' : 'change-not-written')]
      : ['left-out', refusal]
    : quarantined
      ? ['quarantined', kept]
      : kept === undefined
        ? ['in-sync', undefined]
        : ['kept', kept];
  return {
    key: keyOf(service),
    instance: actual?.instance ?? payloadOf(source, contribution.source.serviceId),
    originCluster: peer.cluster,
    originServiceId: contribution.source.serviceId,
    originInstanceId: source.instanceId,
    state,
    stateReason,
    leaseUntilMs: actual === undefined ? undefined : leaseUntilMs(sources, actual),
    expiresAtMs: expiresAtMs(sources, wanted),
    sinceMs: source.receivedAtMs === 0 ? source.originTimeMs : source.receivedAtMs,
  };
}

function leftOutRow({ contribution, source, reason }: LeftOut): InstanceRow {
  return {
    key: keyOf(contribution.service),
    instance: payloadOf(source, contribution.source.serviceId),
    originCluster: contribution.peer.cluster,
    originServiceId: contribution.source.serviceId,
    originInstanceId: source.instanceId,
    state: 'left-out',
    stateReason: reason,
    leaseUntilMs: undefined,
    expiresAtMs: undefined,
    sinceMs: source.receivedAtMs === 0 ? source.originTimeMs : source.receivedAtMs,
  };
}

function unwantedRow(
  sources: RowSources,
  local: LocalService,
  { copy, ground }: Unwanted,
): InstanceRow {
  const held = sources.held.get(copy.instance.instanceId);
  const proven = ground.kind === 'tombstone' || ground.kind === 'decision';
  const state = held !== undefined ? 'held' : proven ? 'pending' : 'kept';
  return {
    key: keyOf(local.service),
    instance: copy.instance,
    originCluster: copy.stamp.originCluster,
    originServiceId: copy.stamp.originService,
    originInstanceId: copy.stamp.originInstance,
    state,
    stateReason: held?.reason ?? ground.reason,
    leaseUntilMs: leaseUntilMs(sources, copy),
    expiresAtMs: undefined,
    sinceMs: held?.heldSinceMs ?? sources.clock.nowMs(),
  };
}

function leaseUntilMs(sources: RowSources, { instance }: LocalCopy): number | undefined {
  const local = sources.view.byId(instance.serviceId);
  if (local === undefined) return undefined;
  const ref = { ...refOf(local.service), instanceId: instance.instanceId };
  const endMs = sources.leases.endsAtMonotonicMs(ref);
  if (endMs === undefined) return undefined;
  return Math.round(sources.clock.nowMs() + endMs - sources.clock.monotonicMs());
}

function expiresAtMs(sources: RowSources, { contribution }: DesiredInstance): number | undefined {
  const phase = absencePhase(contribution.verdict.absence, silenceOf(contribution.peer));
  if (phase.phase !== 'kept' && phase.phase !== 'quarantined') return undefined;
  if (phase.remainingMs === undefined) return undefined;
  return Math.round(sources.clock.nowMs() + phase.remainingMs);
}

/** What a peer's record says; a record that cannot be read is shown by its ids alone. */
function payloadOf(source: PeerInstance, serviceId: string): Instance {
  try {
    return decodeInstance(source.payload);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return {
      serviceId,
      instanceId: source.instanceId,
      endpoints: [],
      hostName: '',
      status: 'DOWN',
      properties: {},
      healthCheck: undefined,
      dataCenterInfo: undefined,
      version: '',
    };
  }
}

function rowTest(filter: InstanceFilter): (row: InstanceRow) => boolean {
  const text = filter.text?.toLowerCase();
  return (row) => {
    if (filter.cluster !== undefined && row.originCluster !== filter.cluster) return false;
    if (filter.state !== undefined && row.state !== filter.state) return false;
    if (text === undefined || text === '') return true;
    const { instance, key } = row;
    const fields = [key.name, key.app, instance.serviceId, instance.instanceId, instance.hostName];
    fields.push(row.originServiceId, row.originInstanceId, ...instance.endpoints);
    return fields.some((field) => field.toLowerCase().includes(text));
  };
}
