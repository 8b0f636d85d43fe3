// What should be under one local service: the instances of all peers that name it, after the import
// rules, the absence policy and the conflict rules.

import { because, verbatim, type Reason } from '../model/reason.ts';
import { decodeInstance, RecordError } from '../model/record-codec.ts';
import { serviceKeyText, type Instance, type Service } from '../model/service.ts';
import { readInstanceStamp } from '../model/stamp.ts';
import { absencePhase, leaseSecondsFor, type AbsencePhase } from './absence.ts';
import { losingClaims } from './conflicts.ts';
import { buildCopy, copyHash, copyInstanceId, endpointKeys } from './copy.ts';
import type { LocalService } from './local-view.ts';
import type { PeerInstance, PeerService } from './peer-records.ts';
import type { PeerState } from './peer-state.ts';
import { renameService, type CompiledRules, type RuleVerdict } from './rules.ts';

/** A peer's service and where its instances go. */
export interface Contribution {
  readonly peer: PeerState;
  readonly source: PeerService;
  readonly verdict: RuleVerdict;
  /** As it is called here. */
  readonly service: Service;
  readonly keyText: string;
}

/** A copy that should be there. */
export interface DesiredInstance {
  readonly contribution: Contribution;
  readonly source: PeerInstance;
  readonly copyId: string;
  /** `copyHash` of what it should be. */
  readonly hash: number;
  readonly leaseSeconds: number;
  readonly quarantined: boolean;
  /** The origin is silent, or its absence is in doubt: kept for now. */
  readonly kept: Reason | undefined;
}

/** An instance of a peer that does not become a copy. */
export interface LeftOut {
  readonly contribution: Contribution;
  readonly source: PeerInstance;
  readonly copyId: string;
  readonly code: 'import-rule' | 'conflict' | 'expired' | 'unreadable' | 'echo';
  readonly reason: Reason;
}

export interface DesiredService {
  readonly instances: readonly DesiredInstance[];
  readonly leftOut: readonly LeftOut[];
}

/** What the payload of a peer's instance says; kept with the record until it or the rules change. */
interface Derived {
  readonly rulesVersion: number;
  readonly quarantined: boolean;
  readonly copyId: string;
  readonly hash: number;
  readonly endpoints: readonly string[];
  readonly problem: { readonly code: 'unreadable' | 'echo'; readonly reason: Reason } | undefined;
}

let rulesVersions = 0;

/** Which peers' services go where, under one set of rules. */
export class DesiredState {
  readonly rules: CompiledRules;
  readonly #version = ++rulesVersions;
  readonly #normalise: (instance: Instance) => Instance;
  readonly #byKey = new Map<string, Set<Contribution>>();
  readonly #bySource = new Map<PeerService, Contribution>();

  constructor(rules: CompiledRules, normalise: (instance: Instance) => Instance) {
    this.rules = rules;
    this.#normalise = normalise;
  }

  /** A peer's service changed: gives the local services that it touches. */
  refresh(peer: PeerState, source: PeerService): readonly string[] {
    const before = this.#bySource.get(source);
    const record = source.record;
    if (record === undefined) {
      if (before !== undefined) this.#detach(before);
      return before === undefined ? [] : [before.keyText];
    }
    const verdict = this.rules.importVerdict(record.service, peer.cluster);
    const service = renameService(record.service, verdict.rename);
    const keyText = serviceKeyText(service);
    if (before !== undefined) {
      const same = before.keyText === keyText && before.verdict === verdict;
      if (same && before.service === record.service) return [keyText];
      this.#detach(before);
    }
    const contribution = { peer, source, verdict, service, keyText };
    this.#bySource.set(source, contribution);
    const set = this.#byKey.get(keyText);
    if (set === undefined) this.#byKey.set(keyText, new Set([contribution]));
    else set.add(contribution);
    return before === undefined || before.keyText === keyText
      ? [keyText]
      : [before.keyText, keyText];
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }
  contributionOf(source: PeerService): Contribution | undefined {
    return this.#bySource.get(source);
  }
  /** The contributions to a local service, those that a rule excludes among them. */
  contributions(keyText: string): Iterable<Contribution> {
    return this.#byKey.get(keyText) ?? [];
  }

  /** Gives what should be under the service `keyText`; `local` is what is there. */
  desired(keyText: string, local: LocalService | undefined): DesiredService {
    const instances: DesiredInstance[] = [];
    const leftOut: LeftOut[] = [];
    const clusters = new Set<string>();
    for (const contribution of this.contributions(keyText)) {
      clusters.add(contribution.peer.cluster);
      this.#collect(contribution, instances, leftOut);
    }
    const natives = local?.natives;
    if (clusters.size < 2 && (natives === undefined || natives.size === 0)) {
      return { instances, leftOut };
    }
    const nativeEndpoints = new Set<string>();
    for (const native of natives?.values() ?? []) {
      for (const endpoint of endpointKeys(native)) nativeEndpoints.add(endpoint);
    }
    const lost = losingClaims(
      instances.map(({ contribution, copyId, source, quarantined, kept }) => ({
        cluster: contribution.peer.cluster,
        // What a peer said before a silence may have been overtaken.
        vouched: kept === undefined && contribution.peer.provesAbsence,
        present: local?.copies.has(copyId) === true,
        copyId,
        endpoints: this.#derive(contribution, source, quarantined).endpoints,
      })),
      nativeEndpoints,
    );
    if (lost.size === 0) return { instances, leftOut };
    const winners = instances.filter((instance) => {
      const reason = lost.get(instance.copyId);
      if (reason !== undefined) leftOut.push({ ...instance, code: 'conflict', reason });
      return reason === undefined;
    });
    return { instances: winners, leftOut };
  }

  /** Builds the content of a copy; throws `RecordError` when the payload is not readable. */
  build(wanted: DesiredInstance, epoch: number, localServiceId: string): Instance {
    const { contribution, source, leaseSeconds, quarantined } = wanted;
    return this.#normalise(
      buildCopy(decodeInstance(source.payload), {
        cluster: contribution.peer.cluster,
        endpoints: contribution.verdict.endpoints,
        leaseSeconds,
        quarantined,
        epoch,
        localServiceId,
      }),
    );
  }

  #collect(contribution: Contribution, instances: DesiredInstance[], leftOut: LeftOut[]): void {
    const { peer, source, verdict } = contribution;
    const phase = absencePhase(verdict.absence, silenceOf(peer));
    const quarantined = phase.phase === 'quarantined';
    const leaseSeconds = leaseSecondsFor(verdict.absence);
    for (const instance of source.instances.values()) {
      const derived = this.#derive(contribution, instance, quarantined);
      const { copyId, hash, problem } = derived;
      const out = (code: LeftOut['code'], reason: Reason): void => {
        leftOut.push({ contribution, source: instance, copyId, code, reason });
      };
      if (!verdict.included) out('import-rule', because('excluded', { rule: verdict.ruleName }));
      else if (problem !== undefined) out(problem.code, problem.reason);
      else if (phase.phase === 'expired') {
        const { cluster } = peer;
        out('expired', because('policy-over', { cluster, policy: verdict.absence.kind }));
      } else {
        const kept = keptBecause(phase, instance, peer);
        const base = { contribution, source: instance, copyId, hash, leaseSeconds };
        instances.push({ ...base, quarantined, kept });
      }
    }
  }

  #derive(contribution: Contribution, source: PeerInstance, quarantined: boolean): Derived {
    const known = source.derived as Derived | undefined;
    if (known?.rulesVersion === this.#version && known.quarantined === quarantined) return known;
    const derived = this.#read(contribution, source, quarantined);
    source.derived = derived;
    return derived;
  }

  #read(contribution: Contribution, source: PeerInstance, quarantined: boolean): Derived {
    const { peer, verdict } = contribution;
    const base = {
      rulesVersion: this.#version,
      quarantined,
      copyId: copyInstanceId({
        cluster: peer.cluster,
        serviceId: contribution.source.serviceId,
        instanceId: source.instanceId,
      }),
    };
    const unusable = (code: 'unreadable' | 'echo', reason: Reason): Derived => {
      return { ...base, hash: 0, endpoints: [], problem: { code, reason } };
    };
    try {
      const original = decodeInstance(source.payload);
      if (original.instanceId !== source.instanceId) {
        return unusable('unreadable', because('other-id'));
      }
      const stamp = readInstanceStamp(original.properties);
      if (stamp !== undefined) {
        return unusable('echo', because('echo', { cluster: stamp.originCluster }));
      }
      const copy = this.#normalise(
        buildCopy(original, {
          cluster: peer.cluster,
          endpoints: verdict.endpoints,
          leaseSeconds: leaseSecondsFor(verdict.absence),
          quarantined,
          epoch: 0,
          localServiceId: '',
        }),
      );
      return { ...base, hash: copyHash(copy), endpoints: endpointKeys(copy), problem: undefined };
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      return unusable('unreadable', verbatim(error.message));
    }
  }

  #detach(contribution: Contribution): void {
    this.#bySource.delete(contribution.source);
    const set = this.#byKey.get(contribution.keyText);
    set?.delete(contribution);
    if (set?.size === 0) this.#byKey.delete(contribution.keyText);
  }
}

/** Gives a peer's silence as the absence policy takes it. */
export function silenceOf(peer: PeerState): Parameters<typeof absencePhase>[1] {
  return {
    link: peer.linkState,
    silentForMs: peer.silentForMs,
    listeningForMs: peer.listeningForMs,
  };
}

function keptBecause(
  phase: AbsencePhase,
  instance: PeerInstance,
  peer: PeerState,
): Reason | undefined {
  if (phase.phase !== 'present') {
    const endless = phase.phase === 'expired' || phase.remainingMs === undefined;
    const { cluster, linkState: state } = peer;
    return because(endless ? 'kept-endless' : 'kept', { cluster, state });
  }
  return instance.unproven ? because('unproven-snapshot') : undefined;
}
