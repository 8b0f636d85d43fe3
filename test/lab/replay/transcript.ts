// The recorded exchanges of a real ServiceCenter 1.4.8, as data.

import { readFileSync } from 'node:fs';

export interface HttpStep {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly response: {
    readonly status: number;
    /** Missing: not compared. */
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly repeat?: number;
  readonly note?: string;
}

export interface SocketEvents {
  readonly ws: { readonly name: string };
  readonly withinMs: number;
  readonly events: readonly { readonly json?: unknown; readonly text?: string }[];
  readonly gapsMs?: readonly number[];
  readonly closed?: { readonly code: number };
  readonly note?: string;
}

interface SocketOpen {
  readonly ws: {
    readonly name: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly upgraded: boolean;
}

export type Step =
  | HttpStep
  | SocketEvents
  | SocketOpen
  | { readonly waitMs: number }
  | { readonly restart: string }
  | { readonly literal: Readonly<Record<string, string>> };

export interface Scenario {
  readonly name: string;
  readonly note?: string;
  readonly server?: {
    readonly env?: Readonly<Record<string, string>>;
    readonly conf?: Readonly<Record<string, string>>;
  };
  readonly steps: readonly Step[];
}

const file = new URL('../../fixtures/servicecenter-transcripts.json', import.meta.url);

/** Every recorded scenario, each for a fresh, empty server. */
export const scenarios: readonly Scenario[] = (
  JSON.parse(readFileSync(file, 'utf8')) as { scenarios: readonly Scenario[] }
).scenarios;

/** How many comparisons a whole replay of the scenario makes: answers, openings, frames, silences. */
export function comparisonsIn({ steps }: Scenario): number {
  return steps.reduce((sum, step) => {
    if ('waitMs' in step || 'restart' in step) return sum;
    if ('events' in step) return sum + step.events.length + 1;
    if ('request' in step) return sum + (step.repeat ?? 1);
    return sum + 1;
  }, 0);
}
