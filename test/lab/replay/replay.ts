// Replays a recorded scenario step by step; throws at the first answer that differs.

import { hash } from 'node:crypto';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { Bindings, match } from './match.ts';
import { Sockets } from './sockets.ts';
import type { Restart, Target } from './target.ts';
import type { HttpStep, Scenario, Step } from './transcript.ts';

/** The recorder kept only a part of these answers, so the real one holds more fields. */
const partial: Readonly<Record<string, RegExp>> = {
  dump_rev_per_change: /\/admin\/dump/,
  govern_wipes_cached_properties: /\/admin\/dump/,
  domains_and_projects: /\/admin\/dump/,
  cache_off: /\/registry\/version/,
  version: /\/version$/,
  dump: /options=info/,
  dependencies: /\/providers/,
};

const comparedHeaders = ['content-type', 'x-resource-revision', 'x-schema-summary'];

export interface ReplayOptions {
  /** Whether this recorded `detail` of an error is compared; its words are those of one release. */
  compareDetail(detail: string): boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Replays the scenario against a fresh target; how many answers and frames were compared. */
export async function replay(
  scenario: Scenario,
  target: Target,
  options: ReplayOptions,
): Promise<number> {
  let agent = new Agent({ keepAlive: true });
  const sockets = new Sockets(target, scenario);
  let bindings = new Bindings();
  let compared = 0;
  try {
    for (const [at, step] of scenario.steps.entries()) {
      try {
        [bindings, compared] = await runStep(step, bindings, compared);
      } catch (error) {
        const where = `${scenario.name}, step ${at}: ${JSON.stringify(step).slice(0, 300)}`;
        throw new Error(`${where}\n${(error as Error).message}`, { cause: error });
      }
    }
    return compared;
  } finally {
    sockets.close();
    agent.destroy();
  }

  async function runStep(step: Step, known: Bindings, count: number): Promise<[Bindings, number]> {
    if ('waitMs' in step) {
      await target.pass(step.waitMs, () => sockets.settle());
      return [known, count];
    }
    if ('restart' in step) {
      // The connections of the old process are dead.
      agent.destroy();
      agent = new Agent({ keepAlive: true });
      await target.restart(readRestart(step.restart));
      return [known, count];
    }
    if ('literal' in step) {
      checkIds(step.literal, known);
      return [known, count + 1];
    }
    if ('upgraded' in step) {
      await sockets.open(step.ws.name, known.fill(step.ws.path), step.ws.headers);
      return [known, count + 1];
    }
    if ('events' in step) {
      return [await sockets.expect(step, known), count + step.events.length + 1];
    }
    let found = known;
    const times = step.repeat ?? 1;
    for (let turn = 0; turn < times; turn++) found = await exchange(numbered(step, turn), found);
    return [found, count + times];
  }

  /** The cache of a real server on a busy machine follows a write a little later. */
  async function exchange(step: HttpStep, known: Bindings): Promise<Bindings> {
    const end = performance.now() + (step.request.method === 'GET' ? target.lagMs : 0);
    for (;;) {
      try {
        return await exchangeOnce(step, known);
      } catch (error) {
        if (performance.now() >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async function exchangeOnce(step: HttpStep, known: Bindings): Promise<Bindings> {
    const path = known.fill(step.request.path);
    const answer = await call(agent, target.url + path, step, known);
    const { response } = step;
    if (answer.status !== response.status) {
      throw new Error(`status ${answer.status} instead of ${response.status}: ${answer.body}`);
    }
    const withHeaders = matchHeaders(response.headers, answer.headers, known);
    if (!('body' in response)) return withHeaders;
    const moreFields = partial[scenario.name]?.test(step.request.path) ?? false;
    const body = readBody(answer);
    const expected = withoutWords(response.body, options);
    const found = match(expected, body, withHeaders, {
      moreFields: moreFields || expected !== response.body,
    });
    if (found === undefined) {
      const texts = [JSON.stringify(expected), JSON.stringify(body)];
      throw new Error(`the body differs.\nrecorded: ${texts[0]}\nanswered: ${texts[1]}`);
    }
    return found;
  }
}

/** Leaves `detail` out of a recorded error where it is not to be compared. */
function withoutWords(body: unknown, options: ReplayOptions): unknown {
  if (typeof body !== 'object' || body === null || !('detail' in body)) return body;
  const { detail, ...rest } = body;
  return options.compareDetail(String(detail)) ? body : rest;
}

function numbered(step: HttpStep, turn: number): HttpStep {
  const text = JSON.stringify(step).replace(/\{\{n:(\d+)\.\.\d+\}\}/g, (_whole, first: string) =>
    String(Number(first) + turn),
  );
  return JSON.parse(text) as HttpStep;
}

function matchHeaders(
  expected: Readonly<Record<string, string>> | undefined,
  actual: IncomingHttpHeaders,
  known: Bindings,
): Bindings {
  let found = known;
  for (const name of expected === undefined ? [] : comparedHeaders) {
    const wanted = expected?.[name];
    // An empty header says nothing; the recorder left it out.
    const given = actual[name] === '' ? undefined : actual[name];
    const next = wanted === undefined ? found : match(wanted, given, found, { moreFields: false });
    if (next === undefined || (wanted === undefined && given !== undefined)) {
      throw new Error(`header ${name} is ${String(given)} instead of ${String(wanted)}`);
    }
    found = next;
  }
  return found;
}

function readBody({ headers, body }: Answer): unknown {
  return headers['content-type']?.includes('json') === true ? JSON.parse(body) : body;
}

function call(agent: Agent, url: string, step: HttpStep, known: Bindings): Promise<Answer> {
  const { method, headers, body } = step.request;
  const filled = known.fillAll(body);
  const payload =
    body === undefined ? undefined : typeof filled === 'string' ? filled : JSON.stringify(filled);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        agent,
        headers: {
          ...(known.fillAll(headers) as Record<string, string>),
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

function readRestart(text: string): Restart {
  if (text.startsWith('graceful, same data')) return 'stop';
  if (text.startsWith('kill -9, same data')) return 'kill';
  if (text.startsWith('empty data')) return 'empty-data';
  throw new Error(`unknown restart: ${text}`);
}

/** The rule of service ids: SHA-1 of the index key, and just that was answered before. */
function checkIds(literal: Readonly<Record<string, string>>, known: Bindings): void {
  const answered = [1, 2, 3].map((number) => known.get(`serviceId:${number}`));
  for (const [key, id] of Object.entries(literal)) {
    if (hash('sha1', key, 'hex') !== id) throw new Error(`${id} is not the SHA-1 of ${key}`);
    if (!answered.includes(id)) throw new Error(`${id} of ${key} was not answered`);
  }
}
