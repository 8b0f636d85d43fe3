// Tries the address of a registry as a person typed it: what answers there, and how fast.

import type { ProbeResult } from '../../proto/ipc/contract.ts';

/** An answer that takes longer is as good as none for a registry that is asked all the time. */
const answerTimeoutMs = 5_000;
/** Largest answer that is read. */
const largestAnswerBytes = 16 * 1024 * 1024;

/** Asks for the version and the services (servicecenter-api.md §2, §4). Never rejects. */
export async function probeRegistry(typed: string): Promise<ProbeResult> {
  const address = /^https?:\/\//i.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(address)) return nothing('address', typed);
  const base = address.replace(/\/+$/, '');
  const startMs = performance.now();
  try {
    const version = await get(`${base}/v4/default/registry/version`);
    const tookMs = Math.round(performance.now() - startMs);
    const facts = parsed(version.text);
    const told = facts?.version ?? facts?.apiVersion;
    if (version.status !== 200 || typeof told !== 'string') {
      return { ok: false, found: 'http', detail: { status: version.status, tookMs } };
    }
    const services = await get(`${base}/v4/default/registry/microservices`);
    const list = parsed(services.text)?.services;
    return {
      ok: services.status === 200,
      found: 'servicecenter',
      detail: {
        version: told,
        tookMs,
        ...(Array.isArray(list) ? { services: list.length } : { status: services.status }),
      },
    };
  } catch (error) {
    return nothing('reason', reasonOf(error));
  }
}

async function get(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url, {
    headers: { 'x-domain-name': 'default' },
    signal: AbortSignal.timeout(answerTimeoutMs),
    redirect: 'manual',
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > largestAnswerBytes) break;
  }
  return { status: response.status, text };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  // `fetch failed` says nothing; its cause does.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function nothing(name: string, value: string): ProbeResult {
  return { ok: false, found: 'nothing', detail: { [name]: value } };
}
