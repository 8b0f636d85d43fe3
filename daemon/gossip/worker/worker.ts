// The gossip worker: a member of the pool in a thread of its own.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import { systemRandom } from '../../support/random.ts';
import { netTransport } from '../transport/net-transport.ts';
import type { GossipPool, IncomingQuery } from '../pool.ts';
import { createInProcessPool } from './in-process-pool.ts';
import { Outbox } from './outbox.ts';
import type {
  Call,
  Failure,
  LogLevel,
  RoundTrips,
  ToMain,
  ToWorker,
  WorkerStart,
} from './protocol.ts';

/** How often changed round trips are told. Raising it makes the topology view later. */
const roundTripIntervalMs = 5000;
/** A change smaller than this share is not told. */
const roundTripShare = 0.1;
/** Questions that the main thread has not answered; more are not put to it. */
const maxQuestions = 64;

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');
const { settings, answers } = workerData as WorkerStart;

const post = (message: ToMain): void => port.postMessage(message);
const pool = createInProcessPool(settings, {
  logger: portLogger({}),
  clock: systemClock,
  random: systemRandom,
  openTransport: netTransport(systemClock),
});
const outbox = new Outbox({
  post: (batch, awaited) => post({ kind: 'batch', ...batch, awaited }),
  defer: (run) => void setImmediate(run),
});
const questions = new Map<number, (payload: Uint8Array | undefined) => void>();
let nextQuestion = 0;
let droppedQuestions = 0;

pool.onEvent((event) => outbox.add(event));
for (const name of answers) answer(name);
port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'call':
      void call(message.id, message.call);
      break;
    case 'ready':
      outbox.ready();
      break;
    case 'answers':
      answer(message.name);
      break;
    case 'answered':
      questions.get(message.id)?.(message.payload);
      questions.delete(message.id);
      break;
  }
});

const told = new Map<string, number>();
const roundTripTimer = setInterval(
  () => outbox.setRoundTrips(changedRoundTrips()),
  roundTripIntervalMs,
);

async function call(id: number, wanted: Call): Promise<void> {
  try {
    const value = await run(wanted);
    if (wanted.op === 'start') post({ kind: 'members', members: pool.members() });
    outbox.flush();
    post({ kind: 'returned', id, value });
  } catch (error) {
    outbox.flush();
    post({
      kind: 'rejected',
      id,
      error: failure(error),
    });
  }
  if (wanted.op === 'leave' || wanted.op === 'close') {
    clearInterval(roundTripTimer);
    port?.close();
  }
}

function failure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: undefined };
  const { code } = (error.cause ?? error) as { readonly code?: unknown };
  const { name, message } = error;
  return { name, message, code: typeof code === 'string' ? code : undefined };
}

function run(wanted: Call): Promise<unknown> {
  switch (wanted.op) {
    case 'start':
      return pool.start();
    case 'join':
      return pool.join(wanted.addresses);
    case 'leave':
      return pool.leave();
    case 'close':
      return pool.close();
    case 'forceLeave':
      return pool.forceLeave(wanted.node, wanted.prune);
    case 'setTags':
      return pool.setTags(wanted.tags);
    case 'sendEvent':
      return pool.sendEvent(wanted.name, wanted.payload, wanted.coalesce);
    case 'query':
      return pool.query(wanted.name, wanted.payload, wanted.options);
    case 'keys':
      return pool.keys(wanted.operation, wanted.key);
    case 'stats':
      return stats();
  }
}

async function stats(): ReturnType<GossipPool['stats']> {
  return {
    ...(await pool.stats()),
    worker_events_dropped: outbox.dropped,
    worker_questions_dropped: droppedQuestions,
    worker_questions_waiting: questions.size,
  };
}

/** Puts queries of this name to the main thread. */
function answer(name: string): void {
  pool.answer(name, (query: IncomingQuery) => {
    if (questions.size >= maxQuestions) {
      droppedQuestions += 1;
      return undefined;
    }
    const id = nextQuestion++;
    return new Promise<Uint8Array | undefined>((resolve) => {
      questions.set(id, resolve);
      post({ kind: 'question', id, query });
    });
  });
}

function changedRoundTrips(): RoundTrips {
  const changed: (readonly [string, number])[] = [];
  const members = pool.members();
  for (const { name, roundTripMs } of members) {
    if (roundTripMs === undefined) continue;
    const before = told.get(name);
    if (before !== undefined && Math.abs(roundTripMs - before) <= roundTripShare * before) continue;
    told.set(name, roundTripMs);
    changed.push([name, roundTripMs]);
  }
  if (told.size > 2 * members.length) told.clear();
  return changed;
}

function portLogger(bound: object): Logger {
  const line =
    (level: LogLevel) =>
    (fields: object, message: string): void =>
      post({ kind: 'log', level, fields: { ...bound, ...fields }, message });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => portLogger({ ...bound, ...fields }),
  };
}
