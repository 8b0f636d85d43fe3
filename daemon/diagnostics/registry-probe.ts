// One request to a registry, for the checks: does it answer, as what, and what is its clock?

import { request } from 'undici';

const timeoutMs = 3_000;
const largestBodyBytes = 1024 * 1024;

export type RegistryAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly version: string;
      /** The server's clock by its `Date` header, whole seconds; `undefined`: it sends none. */
      readonly dateMs: number | undefined;
      readonly roundTripMs: number;
    }
  | { readonly kind: 'silent'; readonly detail: string };

/** Asks for the version (servicecenter-api.md §3), which every kind of ServiceCenter has. */
export async function askRegistry(address: string, signal: AbortSignal): Promise<RegistryAnswer> {
  const startMs = performance.now();
  try {
    const response = await request(new URL('/v4/default/registry/version', address), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const body = await readBody(response.body);
    const date = response.headers.date;
    const dateMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    return {
      kind: 'answer',
      status: response.statusCode,
      version: versionIn(body),
      dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
      roundTripMs: performance.now() - startMs,
    };
  } catch (error) {
    return { kind: 'silent', detail: error instanceof Error ? reasonOf(error) : String(error) };
  }
}

/** A connection refused on all addresses of a name says nothing itself; its parts do. */
function reasonOf(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors.map(String) : [];
  return error.message || parts.join('; ') || error.name;
}

/** Reads no more of a hostile or mistaken server than a version could be long. */
async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > largestBodyBytes) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function versionIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) {
      return String(parsed.version);
    }
  } catch {
    // Not JSON: not a ServiceCenter, or something in between answers for it.
  }
  return '';
}
