// The calls of the registry: replace these with those of yours. Everything else builds on them.

import {
  classifyError,
  type Instance,
  type InstanceRef,
  type ReadingTrouble,
  type Service,
  type Snapshot,
  type WriteFailure,
} from '@servicecenter-syncer/driver-kit';

/** Deadline of one call. Raising it finds a dead registry later. */
const deadlineMs = 2_000;

/** What a call gave, or why it gave nothing. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly trouble: ReadingTrouble };

export class Registry {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** Everything that the registry holds. */
  all(): Promise<Outcome<Snapshot>> {
    return this.#call<Snapshot>('GET', '/all');
  }
  putService(service: Service): Promise<Outcome<undefined>> {
    return this.#call('PUT', `/services/${encodeURIComponent(service.serviceId)}`, service);
  }
  removeService(serviceId: string): Promise<Outcome<undefined>> {
    return this.#call('DELETE', `/services/${encodeURIComponent(serviceId)}`);
  }
  putInstance(instance: Instance): Promise<Outcome<undefined>> {
    return this.#call('PUT', pathOf(instance), instance);
  }
  removeInstance(ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): Promise<Outcome<undefined>> {
    return this.#call('DELETE', pathOf(ref));
  }
  /** Gives the places in the list of those that the registry does not know. */
  renew(refs: readonly InstanceRef[]): Promise<Outcome<readonly number[]>> {
    return this.#call('POST', '/renew', refs);
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<Outcome<T>> {
    try {
      const response = await fetch(this.address + path, {
        method,
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) {
        // A refusal is never "gone": what it means is for a person to see.
        const reason = response.status < 500 ? 'refused-rights' : 'server-error';
        const detail = `${method} ${path}: HTTP ${response.status} ${text.slice(0, 200)}`;
        return { ok: false, trouble: { reason, detail, interrupts: false } };
      }
      return { ok: true, value: (text === '' ? undefined : JSON.parse(text)) as T };
    } catch (error) {
      const cause: unknown = error instanceof TypeError ? error.cause : error;
      const { code, interrupts, detail } = classifyError(cause);
      const reason = code === 'bad-answer' ? 'bad-answer' : 'unreachable';
      return { ok: false, trouble: { reason, detail, interrupts } };
    }
  }
}

/** Gives what a trouble means for a write. */
export function failureOf({ reason, detail }: ReadingTrouble): WriteFailure {
  switch (reason) {
    case 'unreachable':
      return { code: 'unreachable', retry: true, detail };
    case 'refused-rights':
      return { code: 'rights', retry: true, detail };
    default:
      return { code: 'server-error', retry: true, detail };
  }
}

function pathOf(ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string {
  return `/instances/${encodeURIComponent(ref.serviceId)}/${encodeURIComponent(ref.instanceId)}`;
}
