// Writes that wait for the disk, in order, the last state of each thing alone: the memory that a
// stuck disk costs is bounded by the number of things, not by the number of changes.

import type { AuditEntry } from './ports.ts';
import type { Operation } from './operations.ts';

/** Audit entries that wait at most; beyond, the oldest are dropped and counted. */
const maxAuditWaiting = 20_000;

export class WriteQueue {
  #waiting = new Map<string, Operation>();
  #inFlight = new Map<string, Operation>();
  #sequence = 0;
  #trimmedTo: number | undefined;
  #auditWaiting = 0;
  #auditDropped = 0;

  /** Number of writes that are not on the disk yet. */
  get size(): number {
    return this.#waiting.size + this.#inFlight.size;
  }

  /** Audit entries that were dropped because the disk refused for too long. */
  get auditDropped(): number {
    return this.#auditDropped;
  }

  /** Adds a write, which replaces an earlier one to the same thing. */
  add(operation: Operation): void {
    const key = this.#keyOf(operation);
    if (operation.type === 'start-epoch') {
      // What waits for the old epoch would be forgotten the moment it is written.
      for (const other of this.#waiting.keys()) {
        if (isOfExport(other)) this.#waiting.delete(other);
      }
      this.#trimmedTo = undefined;
    }
    if (operation.type === 'append-audit') this.#makeRoomForAudit();
    // Taken out first, so that it moves behind an epoch or a trim that came in between.
    this.#waiting.delete(key);
    this.#waiting.set(key, operation);
  }

  /** Gives the next writes, which are in flight until `written` or `refused`. */
  take(atMost: number): readonly Operation[] {
    if (this.#inFlight.size > 0) throw new Error('a batch is in flight already');
    for (const [key, operation] of this.#waiting) {
      if (this.#inFlight.size === atMost) break;
      this.#inFlight.set(key, operation);
      this.#waiting.delete(key);
      if (operation.type === 'append-audit') this.#auditWaiting -= 1;
      if (operation.type === 'trim-tombstones') this.#trimmedTo = undefined;
    }
    return [...this.#inFlight.values()];
  }

  /** The batch in flight is on the disk. */
  written(): void {
    this.#inFlight.clear();
  }

  /** The disk refused the batch: it waits again, in front, but for what is newer meanwhile. */
  refused(): void {
    const newer = this.#waiting;
    const epochStarted = newer.has('epoch');
    this.#waiting = new Map();
    for (const [key, operation] of this.#inFlight) {
      if (newer.has(key) || (epochStarted && isOfExport(key))) continue;
      this.#waiting.set(key, operation);
      if (operation.type === 'append-audit') this.#auditWaiting += 1;
    }
    for (const [key, operation] of newer) this.#waiting.set(key, operation);
    this.#inFlight.clear();
  }

  /** Audit entries that wait, oldest first. */
  *auditWaiting(): Generator<AuditEntry> {
    for (const operation of this.#waiting.values()) {
      if (operation.type === 'append-audit') yield operation.entry;
    }
  }

  #makeRoomForAudit(): void {
    this.#auditWaiting += 1;
    if (this.#auditWaiting <= maxAuditWaiting) return;
    for (const [key, operation] of this.#waiting) {
      if (operation.type !== 'append-audit') continue;
      this.#waiting.delete(key);
      this.#auditWaiting -= 1;
      this.#auditDropped += 1;
      return;
    }
  }

  #keyOf(operation: Operation): string {
    switch (operation.type) {
      case 'put-mapping':
      case 'delete-mapping': {
        const { cluster, originServiceId, originInstanceId } = operation.mapping;
        return `mapping\0${cluster}\0${originServiceId}\0${originInstanceId}`;
      }
      case 'start-epoch':
        return 'epoch';
      case 'put-exported':
      case 'put-tombstone':
        return `export\0${operation.entry.kind}\0${operation.entry.key}`;
      case 'trim-tombstones': {
        // A further trim makes an earlier, smaller one needless; a smaller one comes beside it.
        const further = operation.upToRevision >= (this.#trimmedTo ?? 0);
        if (further) this.#trimmedTo = operation.upToRevision;
        return further ? 'trim' : `trim\0${(this.#sequence += 1)}`;
      }
      case 'put-held':
        return `held\0${operation.held.id}`;
      case 'delete-held':
        return `held\0${operation.id}`;
      case 'put-state':
      case 'delete-state':
        return `state\0${operation.key}`;
      case 'append-audit':
        return `audit\0${(this.#sequence += 1)}`;
    }
  }
}

function isOfExport(key: string): boolean {
  return key === 'epoch' || key.startsWith('export\0') || key.startsWith('trim');
}
