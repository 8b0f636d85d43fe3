// Transactions as Consul writes and answers them (peers.md §4, "Transactions").

import type { StringMap } from '../../model/service.ts';
import type { ConsulSettings } from './options.ts';
import { AnswerError } from './wire.ts';

/** One step of a transaction. `modifyIndex` of a service: what it must be now; 0: not there. */
export type Operation =
  | {
      readonly kind: 'set-node';
      readonly node: string;
      readonly address: string;
      readonly meta: StringMap;
    }
  | {
      readonly kind: 'put-service';
      readonly node: string;
      readonly modifyIndex: number;
      readonly service: {
        readonly id: string;
        readonly name: string;
        readonly address: string;
        readonly port: number;
        readonly tags: readonly string[];
        readonly weights: { readonly passing: number; readonly warning: number };
        readonly meta: StringMap;
      };
    }
  | {
      readonly kind: 'delete-service';
      readonly node: string;
      readonly id: string;
      readonly name: string;
      readonly modifyIndex: number;
    }
  | { readonly kind: 'get-service'; readonly node: string; readonly id: string }
  | {
      readonly kind: 'set-check';
      readonly node: string;
      readonly id: string;
      readonly name: string;
      readonly notes: string;
      readonly serviceId: string;
    }
  | { readonly kind: 'delete-check'; readonly node: string; readonly id: string };

/** Gives the body of a transaction. */
export function encodeTransaction(
  operations: readonly Operation[],
  settings: Pick<ConsulSettings, 'namespace' | 'partition'>,
): string {
  return JSON.stringify(operations.map((operation) => encodeOperation(operation, settings)));
}

/** Gives what an answer says: indices of services by their id, and errors by number of operation. */
export function decodeTransaction(body: unknown): {
  readonly found: ReadonlyMap<string, number>;
  readonly errors: ReadonlyMap<number, string>;
} {
  const { Results, Errors } = objectOf(typeof body === 'string' ? parsed(body) : body);
  const found = new Map<string, number>();
  for (const result of listOf(Results)) {
    const { Service } = objectOf(result);
    if (Service === undefined || Service === null) continue;
    const { ID, ModifyIndex } = objectOf(Service);
    if (typeof ID === 'string' && typeof ModifyIndex === 'number') found.set(ID, ModifyIndex);
  }
  const errors = new Map<number, string>();
  for (const error of listOf(Errors)) {
    const { OpIndex, What } = objectOf(error);
    if (typeof OpIndex === 'number' && typeof What === 'string') errors.set(OpIndex, What);
  }
  return { found, errors };
}

function encodeOperation(
  operation: Operation,
  { namespace, partition }: Pick<ConsulSettings, 'namespace' | 'partition'>,
): object {
  const inPartition = partition === undefined ? {} : { Partition: partition };
  const scope = { ...inPartition, ...(namespace === undefined ? {} : { Namespace: namespace }) };
  const { node: Node } = operation;
  switch (operation.kind) {
    case 'set-node': {
      const { address: Address, meta: Meta } = operation;
      return { Node: { Verb: 'set', Node: { Node, Address, Meta, ...inPartition } } };
    }
    case 'put-service': {
      const { service, modifyIndex: ModifyIndex } = operation;
      const Service = {
        ID: service.id,
        Service: service.name,
        Address: service.address,
        Port: service.port,
        Tags: service.tags,
        Weights: { Passing: service.weights.passing, Warning: service.weights.warning },
        Meta: service.meta,
        ModifyIndex,
        ...scope,
      };
      return { Service: { Verb: 'cas', Node, Service } };
    }
    case 'delete-service': {
      const { id: ID, name, modifyIndex: ModifyIndex } = operation;
      const Service = { ID, Service: name, ModifyIndex, ...scope };
      return { Service: { Verb: 'delete-cas', Node, Service } };
    }
    case 'get-service':
      return { Service: { Verb: 'get', Node, Service: { ID: operation.id, ...scope } } };
    case 'set-check': {
      const Check = {
        Node,
        CheckID: operation.id,
        Name: operation.name,
        Notes: operation.notes,
        Status: 'critical',
        ServiceID: operation.serviceId,
        ...scope,
      };
      return { Check: { Verb: 'set', Check } };
    }
    case 'delete-check':
      return { Check: { Verb: 'delete', Check: { Node, CheckID: operation.id, ...scope } } };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AnswerError(`no JSON: ${text.slice(0, 100)}`);
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AnswerError('the answer of a transaction has no object where one should be');
  }
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AnswerError('the answer of a transaction has no list');
  return value as readonly unknown[];
}
