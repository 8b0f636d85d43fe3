// Network coordinates: every member keeps a point in an eight-dimensional space with a height, so
// placed that the distance of two points estimates their round trip. Vivaldi (Dabek, Cox, Kaashoek,
// Morris: "Vivaldi: A Decentralized Network Coordinate System", 2004), with the adjustment term,
// the latency filter and the gravity of "Network Coordinates in the Wild" (Ledlie, Gardner,
// Seltzer, 2007), in serf's numbers. All times are seconds, as on the wire.

import type { Random } from '../../support/random.ts';
import { WireError } from '../wire/wire-error.ts';
import { coordinateMessage } from './messages.ts';

export interface Coordinate {
  /** Seconds in each dimension. */
  readonly vec: readonly number[];
  /** Confidence: 0 is sure, 1.5 knows nothing. */
  readonly error: number;
  /** Mean of what the space cannot express, seconds; may be negative. */
  readonly adjustment: number;
  /** The way from the host to the core of the network, seconds. */
  readonly height: number;
}

const dimensions = 8;
/** The error of a newcomer, and the most it can be. */
const errorMax = 1.5;
/** How fast the error follows a sample. */
const ce = 0.25;
/** How far one sample moves the point. */
const cc = 0.25;
/** Samples in the adjustment term. Raising it smooths more and follows changes later. */
const adjustmentWindow = 20;
const heightMin = 10e-6;
/** Samples of one member of which the median counts. */
const latencyFilterSize = 3;
/** Pulls all towards the origin, so that the pool as a whole does not drift. */
const gravityRho = 150;
const zero = 1e-6;
/** A longer round trip, or a point farther away, is not believed. */
const maxSeconds = 10;
/** Members of whom samples are kept. */
const maxTracked = 10_000;

export const originCoordinate: Coordinate = {
  vec: Array<number>(dimensions).fill(0),
  error: errorMax,
  adjustment: 0,
  height: heightMin,
};

/** The estimated round trip between two points, seconds. */
export function distanceSeconds(left: Coordinate, right: Coordinate): number {
  const raw = rawDistance(left, right);
  const adjusted = raw + left.adjustment + right.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

/** Version byte and coordinate: the payload of an ack. */
export function encodeCoordinate(coordinate: Coordinate): Uint8Array {
  return coordinateMessage.encode(coordinate);
}

/** The coordinate in an ack's payload; `undefined` where it is of another version or absurd. */
export function decodeCoordinate(payload: Uint8Array): Coordinate | undefined {
  if (payload[0] !== coordinateMessage.type) return undefined;
  try {
    const coordinate = coordinateMessage.decode(payload.subarray(1));
    return isSane(coordinate) ? coordinate : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Our own point, moved by every measured round trip. */
export class CoordinateClient {
  readonly #random: Random;
  #own: Coordinate = originCoordinate;
  #adjustmentSamples = Array<number>(adjustmentWindow).fill(0);
  #adjustmentIndex = 0;
  readonly #latencies = new Map<string, number[]>();
  /** Where the others said they are. */
  readonly #others = new Map<string, Coordinate>();
  #resets = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get own(): Coordinate {
    return this.#own;
  }

  /** How often a calculation came out absurd and the point was set back to the origin. */
  get resets(): number {
    return this.#resets;
  }

  /** The last coordinate heard of a member. */
  of(node: string): Coordinate | undefined {
    return this.#others.get(node);
  }

  /** A member acknowledged, with this payload. False: it was not believed. */
  heard(node: string, roundTripMs: number, payload: Uint8Array): boolean {
    // A member with coordinates turned off sends none.
    if (payload.length === 0) return true;
    const other = decodeCoordinate(payload);
    return other !== undefined && this.update(node, other, roundTripMs / 1000);
  }

  /** Takes in a round trip to a member that says to be at `other`. False: not believed. */
  update(node: string, other: Coordinate, roundTripSeconds: number): boolean {
    if (!isSane(other) || !(roundTripSeconds >= 0 && roundTripSeconds <= maxSeconds)) return false;
    if (!this.#others.has(node) && this.#others.size >= maxTracked) return false;
    this.#others.set(node, other);
    const seconds = this.#filter(node, roundTripSeconds);
    this.#moveBy(other, seconds);
    this.#adjust(other, seconds);
    this.#own = this.#push(this.#own, this.#gravity(), originCoordinate);
    if (!isSane(this.#own)) {
      this.#own = originCoordinate;
      this.#adjustmentSamples = Array<number>(adjustmentWindow).fill(0);
      this.#resets += 1;
    }
    return true;
  }

  /** The estimated round trip to a member, milliseconds; `undefined` before it was measured. */
  estimateMs(node: string): number | undefined {
    const other = this.#others.get(node);
    return other === undefined ? undefined : distanceSeconds(this.#own, other) * 1000;
  }

  /** A member is gone for good. */
  forget(node: string): void {
    this.#latencies.delete(node);
    this.#others.delete(node);
  }

  /** The median of the last samples of one member. */
  #filter(node: string, seconds: number): number {
    const samples = [...(this.#latencies.get(node) ?? []), seconds].slice(-latencyFilterSize);
    this.#latencies.set(node, samples);
    const sorted = [...samples].sort((left, right) => left - right);
    return sorted[Math.floor(sorted.length / 2)] ?? seconds;
  }

  #moveBy(other: Coordinate, measured: number): void {
    const seconds = Math.max(measured, zero);
    const distance = distanceSeconds(this.#own, other);
    const wrongness = Math.abs(distance - seconds) / seconds;
    const weight = this.#own.error / Math.max(this.#own.error + other.error, zero);
    const error = ce * weight * wrongness + this.#own.error * (1 - ce * weight);
    const moved = this.#push(this.#own, cc * weight * (seconds - distance), other);
    this.#own = { ...moved, error: Math.min(error, errorMax) };
  }

  #adjust(other: Coordinate, seconds: number): void {
    this.#adjustmentSamples[this.#adjustmentIndex] = seconds - rawDistance(this.#own, other);
    this.#adjustmentIndex = (this.#adjustmentIndex + 1) % adjustmentWindow;
    const sum = this.#adjustmentSamples.reduce((total, sample) => total + sample, 0);
    this.#own = { ...this.#own, adjustment: sum / (2 * adjustmentWindow) };
  }

  #gravity(): number {
    return -((distanceSeconds(originCoordinate, this.#own) / gravityRho) ** 2);
  }

  /** Moves `point` away from `other` by `force` seconds (towards it where negative). */
  #push(point: Coordinate, force: number, other: Coordinate): Coordinate {
    const difference = point.vec.map((value, index) => value - (other.vec[index] ?? 0));
    const length = magnitude(difference);
    const unit =
      length > zero ? difference.map((value) => value / length) : this.#randomDirection();
    const vec = point.vec.map((value, index) => value + (unit[index] ?? 0) * force);
    const height =
      length > zero
        ? Math.max(((point.height + other.height) * force) / length + point.height, heightMin)
        : point.height;
    return { ...point, vec, height };
  }

  /** Two members at one point must part somewhere. */
  #randomDirection(): readonly number[] {
    const vec = Array.from({ length: dimensions }, () => this.#random.next() - 0.5);
    const length = magnitude(vec);
    if (length <= zero) return vec.map((_, index) => (index === 0 ? 1 : 0));
    return vec.map((value) => value / length);
  }
}

function rawDistance(left: Coordinate, right: Coordinate): number {
  const difference = left.vec.map((value, index) => value - (right.vec[index] ?? 0));
  return magnitude(difference) + left.height + right.height;
}

function magnitude(vec: readonly number[]): number {
  return Math.sqrt(vec.reduce((sum, value) => sum + value * value, 0));
}

function isSane(coordinate: Coordinate): boolean {
  const { vec, error, adjustment, height } = coordinate;
  return (
    vec.length === dimensions &&
    [...vec, adjustment, height].every((value) => Math.abs(value) <= maxSeconds) &&
    error >= 0 &&
    Number.isFinite(error) &&
    height >= 0
  );
}
