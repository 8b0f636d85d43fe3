// What the bench needs of an engine: a pool of members that it starts, watches and weighs. Two
// implementations: the real serf agent and our own engine.

import type { Host } from '../../support/netns.ts';

/** A process of the pool and how many members it runs. */
export interface WeighedProcess {
  readonly pid: number;
  readonly members: number;
}

/** Where members run: on loopback, or in network namespaces, `membersPerHost` in each. */
export type Places =
  { readonly hosts: readonly Host[]; readonly membersPerHost: number } | undefined;

/** The host of a member; `undefined`: loopback. */
export function placeOf(places: Places, index: number): Host | undefined {
  return places?.hosts[Math.floor(index / places.membersPerHost)];
}

/** Its port in its host. */
export function portOf(index: number): number {
  return 7946 + index;
}

/** The port on which an agent takes commands, in its host. */
export function rpcPortOf(index: number): number {
  return 17_946 + index;
}

export interface Side {
  readonly processes: readonly WeighedProcess[];
  /** All join the first one at once; gives the milliseconds until each knew all. */
  formMs(): Promise<number>;
  /**
   * Sends one event; gives for each member the milliseconds until it had it, `Infinity` for those
   * that had not within `eventPatienceMs`.
   */
  event(name: string): Promise<readonly number[]>;
  /** Kills the last member; gives the milliseconds until all others held it failed. */
  detectMs(): Promise<number>;
  /** Members held failed by others, since the start. */
  failures(): number;
  stop(): Promise<void>;
}

/**
 * How long an event is waited for. Gossip has told everybody in a second; whom it misses learns of it
 * by a push/pull, up to a minute later, and fifty such minutes would be all of the bench.
 */
export const eventPatienceMs = 3000;

/** How long any of these may take before the bench gives up. */
export const limitMs = 240_000;
