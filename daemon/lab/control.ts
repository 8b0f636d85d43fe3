// The lab's own calls below `/lab/`: its history, its exact content, its faults. Never hit by a fault.

import { invalid } from './errors.ts';
import type { FaultRequest, Faults } from './faults.ts';
import { json, type Answer } from './http.ts';
import type { Registry } from './registry.ts';

/** Whether a path is the lab's own. */
export function isControl(path: string): boolean {
  return path.startsWith('/lab/');
}

/** History entries in one answer, unless fewer are asked for. */
const pageSize = 10_000;

/** Answers a call of the lab's own. Throws 400001. */
export function control(
  registry: Registry,
  faults: Faults,
  method: string,
  path: string,
  query: URLSearchParams,
  body: string,
): Answer {
  switch (`${method} ${path}`) {
    case 'GET /lab/history': {
      const since = readNumber(query, 'since', 0);
      const limit = Math.min(pageSize, readNumber(query, 'limit', pageSize));
      return json(registry.history.page(since, limit));
    }
    case 'GET /lab/state':
      return json(registry.state());
    case 'GET /lab/faults':
      return json(faults.settings);
    case 'PUT /lab/faults': {
      // Answered at once: a restart would cut the connection that waits for its end.
      const request = readFaults(body);
      faults.check(request);
      faults.set(request).catch((error: unknown) => {
        const what = `fault not over: ${(error as Error).message}`;
        registry.history.record({ kind: 'server', cause: 'fault', who: 'registry', what });
      });
      return json(faults.settings);
    }
    case 'DELETE /lab/faults':
      faults.clear();
      return json(faults.settings);
    default:
      return { kind: 'text', status: 404, text: '404 page not found\n' };
  }
}

function readNumber(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${name}: '${text}' is not a whole number from 0`);
  }
  return value;
}

function readFaults(body: string): FaultRequest {
  try {
    return JSON.parse(body) as FaultRequest;
  } catch {
    throw invalid('faults: the body is not JSON');
  }
}
