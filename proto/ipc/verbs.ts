// How the contract is written: a call has a schema for what comes in and a type for what goes out; a
// stream gives items until it is closed; a push is sent without being asked. Everything that either
// side needs is derived from these (contract.ts), so no channel name is typed twice.

import type { z } from 'zod';

/** Asked by the renderer, answered once. */
export interface Call<Request, Response> {
  readonly verb: 'call';
  readonly request: z.ZodType<Request>;
  /** Only for its type. */
  readonly response?: Response;
}

/** Asked by the renderer, answered by items until it ends or is closed. */
export interface Stream<Request, Item> {
  readonly verb: 'stream';
  readonly request: z.ZodType<Request>;
  readonly item?: Item;
}

/** Declares a call: `call<Response>()(schema)`. */
export function call<Response>(): <Request>(
  request: z.ZodType<Request>,
) => Call<Request, Response> {
  return (request) => ({ verb: 'call', request });
}

/** Declares a stream: `stream<Item>()(schema)`. */
export function stream<Item>(): <Request>(request: z.ZodType<Request>) => Stream<Request, Item> {
  return (request) => ({ verb: 'stream', request });
}

/** One group of the contract. */
export type Group = Readonly<Record<string, Call<never, unknown> | Stream<never, unknown>>>;

/** What the renderer may call, for one group. Rejects with a `RemoteError`. */
export type Client<G> = {
  readonly [Name in keyof G]: G[Name] extends Call<infer Request, infer Response>
    ? (request: Request) => Promise<Response>
    : G[Name] extends Stream<infer Request, infer Item>
      ? (
          request: Request,
          next: (item: Item) => void,
          end: (error?: RemoteError) => void,
        ) => () => void
      : never;
};

/** What the host must provide, for one group. */
export type Handlers<G> = {
  readonly [Name in keyof G]: G[Name] extends Call<infer Request, infer Response>
    ? (request: Request) => Promise<Response>
    : G[Name] extends Stream<infer Request, infer Item>
      ? (request: Request, signal: AbortSignal) => AsyncIterable<Item>
      : never;
};

/** What crosses for a failure: a code of the error table with its parameters, and an English text. */
export interface RemoteFailure {
  readonly code: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly message: string;
}

/** A failure of the other side, rebuilt on this one. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  constructor(failure: RemoteFailure) {
    super(failure.message);
    this.code = failure.code;
    this.parameters = failure.parameters;
  }
}
