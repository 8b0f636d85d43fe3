// Which services have to be read again. Consul's lists do not say what changed: `/catalog/services` wakes
// for every instance and names services and tags alone, `/health/state/any` names checks (peers.md §4,
// "Blocking"). What these two do not explain is found by asking each service for its index.

import type { Indexed } from './api.ts';
import type { Mirror } from './mirror.ts';
import type { ConsulCheck } from './wire.ts';

export interface Found {
  /** Changed for certain. */
  readonly changed: ReadonlySet<string>;
  /** Something changed, and it may be any service. */
  readonly doubt: boolean;
}

/** The servers of Consul are a service of its own: nobody's application. */
export const ownService = 'consul';

export class ChangeFinder {
  readonly #mirror: Mirror;
  #names: Indexed<ReadonlyMap<string, string>> = { index: 0, value: new Map() };
  #checks: ReadonlyMap<string, ConsulCheck> = new Map();
  #touched = new Set<string>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  /** Compares the lists with the last ones; these are the last ones from now on. */
  compare(names: Indexed<ReadonlyMap<string, string>>, checks: readonly ConsulCheck[]): Found {
    const changed = this.#touched;
    this.#touched = new Set();
    for (const [name, tags] of names.value) {
      if (this.#names.value.get(name) !== tags) changed.add(name);
    }
    for (const name of this.#names.value.keys()) {
      if (!names.value.has(name)) changed.add(name);
    }
    const doubt = names.index !== this.#names.index;
    this.#names = names;
    this.#compareChecks(checks, changed);
    changed.delete(ownService);
    return { changed, doubt };
  }

  /** We have written to this service. */
  touch(name: string): void {
    this.#touched.add(name);
  }

  /** Every name that is listed or has something in the view. */
  all(): ReadonlySet<string> {
    const all = new Set([...this.#names.value.keys(), ...this.#mirror.names()]);
    all.delete(ownService);
    return all;
  }

  #compareChecks(checks: readonly ConsulCheck[], changed: Set<string>): void {
    const next = new Map(checks.map((check) => [`${check.node}/${check.id}`, check]));
    const nodes = new Set<string>();
    const note = ({ service, node }: ConsulCheck): void => {
      if (service === '') nodes.add(node);
      else changed.add(service);
    };
    for (const [key, check] of next) {
      const before = this.#checks.get(key);
      if (before?.status !== check.status || before.service !== check.service) note(check);
    }
    for (const [key, check] of this.#checks) if (!next.has(key)) note(check);
    this.#checks = next;
    if (nodes.size === 0) return;
    // A check of a whole node speaks for all that is on it.
    for (const { node, name } of this.#mirror.entries()) if (nodes.has(node)) changed.add(name);
  }
}
