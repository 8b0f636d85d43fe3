// What the suite is written with, whoever runs it: the runner of `syncer driver test`, or vitest. One of
// them is at work while the promises are collected.

import { expect } from './expectation.ts';

export { expect } from './expectation.ts';

export interface PromiseContext {
  readonly expect: typeof expect;
  /** Called when the promise was tried, however that ended. */
  readonly onTestFinished: (end: () => Promise<void> | void) => void;
}

type Body = (context: PromiseContext) => Promise<void> | void;

/** Runs promises. */
export interface Harness {
  /** `concurrent`: the promises of this group are tried at the same time. */
  group(name: string, concurrent: boolean, body: () => void): void;
  promise(name: string, body: Body): void;
  /** A promise that does not apply to this registry. */
  inapplicable(name: string, reason: string): void;
  before(body: () => Promise<void>): void;
  after(body: () => Promise<void>): void;
}

let current: Harness | undefined;

/** Collects promises with `harness`. */
export function withHarness(harness: Harness, collect: () => void): void {
  const before = current;
  current = harness;
  try {
    collect();
  } finally {
    current = before;
  }
}

function atWork(): Harness {
  if (current === undefined) throw new Error('no harness collects promises now');
  return current;
}

/** A group of promises. */
export function describe(name: string, body: () => void): void {
  atWork().group(name, false, body);
}
describe.concurrent = (name: string, body: () => void): void => atWork().group(name, true, body);

/** One promise. */
export function it(name: string, body: Body): void {
  const harness = atWork();
  harness.promise(name, (context) => {
    finishedOf = (end) => context.onTestFinished(end);
    return body(context);
  });
}

/** One promise that some registries cannot keep by their nature; `lacks` says why. */
it.unless = (lacks: string | undefined, name: string, body: Body): void => {
  if (lacks === undefined) it(name, body);
  else atWork().inapplicable(name, lacks);
};

type Parts<Row> = Row extends readonly [infer First, infer Second] ? [First, Second] : [Row];

/** One promise for each row; `%s` in the name stands for the parts of the row, in order. */
it.each =
  <const Row extends string | readonly [unknown, unknown]>(rows: readonly Row[]) =>
  (name: string, body: (...parts: Parts<Row>) => Promise<void>) => {
    for (const row of rows) {
      const parts: readonly unknown[] = typeof row === 'string' ? [row] : row;
      const left = [...parts];
      it(
        name.replaceAll('%s', () => String(left.shift())),
        () => body(...(parts as Parts<Row>)),
      );
    }
  };

export function beforeAll(body: () => Promise<void>): void {
  atWork().before(body);
}
export function afterAll(body: () => Promise<void>): void {
  atWork().after(body);
}

let finishedOf: PromiseContext['onTestFinished'] = () => {
  throw new Error('no promise is being tried');
};

/** As `context.onTestFinished`, for promises that are tried one after the other. */
export function onTestFinished(end: () => Promise<void> | void): void {
  finishedOf(end);
}
