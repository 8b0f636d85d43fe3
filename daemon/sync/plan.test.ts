import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verbatim } from '../model/reason.ts';
import { defaultRules } from '../model/rules.ts';
import type { Instance, Service } from '../model/service.ts';
import { serviceKeyText } from '../model/service.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { stampInstance, stampService } from '../model/stamp.ts';
import type { Contribution, DesiredInstance } from './desired.ts';
import type { RemovalGround } from './guard.ts';
import { LocalView, type LocalService } from './local-view.ts';
import { PeerState } from './peer-state.ts';
import { planService, type ServicePlan } from './plan.ts';
import { compileRules } from './rules.ts';

const service: Service = {
  serviceId: 'local',
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'shop',
  name: 'orders',
  version: '1.0.0',
  alias: '',
  description: '',
  level: 'BACK',
  status: 'UP',
  registerBy: 'SDK',
  framework: undefined,
  properties: {},
  tags: {},
  schemas: [],
  paths: [],
};
const keyText = serviceKeyText(service);

function contribution(cluster: string): Contribution {
  const peer = new PeerState(cluster, undefined, new VirtualClock(), {
    serviceChanged: () => undefined,
    peerChanged: () => undefined,
  });
  const source = {
    serviceId: 'origin',
    record: { service, hash: 1 },
    unproven: false,
    generation: 1,
    instances: new Map(),
  };
  const verdict = compileRules(defaultRules).importVerdict(service, cluster);
  return { peer, source, verdict, service, keyText };
}

function wanted(id: number, hash: number): DesiredInstance {
  return { contribution: contribution('b'), copyId: `copy-${id}`, hash } as DesiredInstance;
}

function instance(instanceId: string, stamped: boolean): Instance {
  const stamp = { originCluster: 'b', originService: 's', originInstance: instanceId, epoch: 1 };
  return {
    serviceId: 'local',
    instanceId,
    endpoints: [],
    hostName: 'host',
    status: 'UP',
    properties: stamped ? stampInstance({}, stamp, undefined) : {},
    healthCheck: undefined,
    dataCenterInfo: undefined,
    version: '',
  };
}

function localService(made: boolean, copies: readonly number[], natives: number): LocalService {
  const view = new LocalView();
  view.putService({ ...service, properties: made ? stampService({}, 'b') : {} });
  for (const id of copies) view.putInstance(instance(`copy-${id}`, true));
  for (let id = 0; id < natives; id++) view.putInstance(instance(`native-${id}`, false));
  return view.byKey(keyText)!;
}

function plan(
  local: LocalService | undefined,
  instances: readonly DesiredInstance[],
  ground: RemovalGround['kind'] = 'tombstone',
  clusters: readonly string[] = ['b'],
  abandoned = false,
): ServicePlan {
  return planService({
    keyText,
    local,
    desired: { instances, leftOut: [] },
    contributions: clusters.map(contribution),
    abandoned,
    ground: () => ({ kind: ground, reason: verbatim('') }),
  });
}

describe('planService', () => {
  it('turns what is there into what should be there, and touches no native instance', () => {
    const ids = fc.uniqueArray(fc.nat(12));
    fc.assert(
      fc.property(ids, ids, fc.nat(3), fc.boolean(), (there, desired, natives, made) => {
        const local = localService(made, there, natives);
        const hashes = new Map([...local.copies].map(([id, { hash }]) => [id, hash]));
        const instances = desired.map((id) =>
          wanted(id, id % 2 === 0 ? (hashes.get(`copy-${id}`) ?? 1) : 1),
        );
        const { adds, updates, unchanged, unwanted } = plan(local, instances);
        const result = new Set(local.copies.keys());
        for (const { copy } of unwanted) result.delete(copy.instance.instanceId);
        for (const { copyId } of adds) {
          expect(result.has(copyId)).toBe(false);
          result.add(copyId);
        }
        expect(result).toEqual(new Set(desired.map((id) => `copy-${id}`)));
        expect(adds.length + updates.length + unchanged.length).toBe(desired.length);
        for (const each of unchanged) expect(each.actual.hash).toBe(each.wanted.hash);
        for (const each of updates) expect(each.actual.hash).not.toBe(each.wanted.hash);
        const written = [...adds, ...updates.map((each) => each.wanted)];
        for (const { copyId } of written) expect(local.natives.has(copyId)).toBe(false);
      }),
    );
  });

  it('makes a missing service only together with a first instance', () => {
    expect(plan(undefined, []).create).toBeUndefined();
    expect(plan(undefined, [wanted(1, 1)]).create?.peer.cluster).toBe('b');
  });

  it('releases a service of ours once an application registered in it, and never writes a native one', () => {
    expect(plan(localService(true, [1], 1), []).release).toBe(true);
    expect(plan(localService(true, [1], 0), []).release).toBe(false);
    const native = plan(localService(false, [], 0), [], 'tombstone', [], true);
    expect(native).toMatchObject({ release: false, remove: false, update: undefined });
  });

  it('removes a service only when it is ours, empty, unwanted and surely abandoned', () => {
    const empty = localService(true, [], 0);
    expect(plan(empty, [], 'tombstone', [], true).remove).toBe(true);
    expect(plan(empty, [], 'tombstone', [], false).remove).toBe(false);
    expect(plan(empty, [], 'tombstone', ['c'], true).remove).toBe(false);
    expect(plan(localService(true, [1], 0), [], 'unproven', [], true).remove).toBe(false);
  });

  it('takes over the content of the next cluster when the first no longer names the service', () => {
    expect(plan(localService(true, [1], 0), [], 'unproven', ['d', 'c']).update?.peer.cluster).toBe(
      'c',
    );
    expect(plan(localService(true, [1], 0), [], 'unproven', ['d', 'b']).update).toBeUndefined();
  });
});
