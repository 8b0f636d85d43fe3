// From an error of the table to what crosses to the page, and from a payload to a checked request.

import type { z } from 'zod';
import { asSyncerError, SyncerError } from '../errors.ts';
import type { RemoteFailure } from './verbs.ts';

/** Gives what the page is told of a thrown value: a code, its parameters, an English text. */
export function remoteFailure(thrown: unknown): RemoteFailure {
  const { code, parameters, message } = asSyncerError(thrown);
  const plain = Object.entries(parameters).map(([name, value]) => [
    name,
    typeof value === 'boolean' ? String(value) : value,
  ]);
  return { code, parameters: Object.fromEntries(plain) as RemoteFailure['parameters'], message };
}

/** Gives a checked request. Throws `request.wrong-argument` with the path of the first mistake. */
export function parseRequest<Request>(
  name: string,
  schema: z.ZodType<Request>,
  payload: unknown,
): Request {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SyncerError('request.wrong-argument', {
    argument: [name, ...(issue?.path.map(String) ?? [])].join('.'),
    value: typeof payload,
    expected: issue?.message ?? 'another shape',
  });
}
