// 52-bit content hashes: small enough for a number, large enough that equal means equal.

import { hash } from 'node:crypto';

/** Hashes text or bytes to an integer in [0, 2^52): the first 13 hex digits of its SHA-1. */
export function hash52(content: string | Uint8Array): number {
  return Number.parseInt(hash('sha1', content, 'hex').slice(0, 13), 16);
}

const low = 2 ** 32;

/** Bitwise exclusive or of two 52-bit numbers. */
export function xor52(left: number, right: number): number {
  const highBits = (Math.floor(left / low) ^ Math.floor(right / low)) >>> 0;
  const lowBits = ((left % low) ^ (right % low)) >>> 0;
  return highBits * low + lowBits;
}
