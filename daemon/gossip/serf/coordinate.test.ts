import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../support/random.ts';
import {
  CoordinateClient,
  decodeCoordinate,
  distanceSeconds,
  encodeCoordinate,
  originCoordinate,
} from './coordinate.ts';

/** Members on a line, `gapMs` apart, who measure each other for a while. */
function converge(count: number, gapMs: number, rounds: number): CoordinateClient[] {
  const random = seededRandom(7);
  const clients = Array.from({ length: count }, () => new CoordinateClient(random));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, client] of clients.entries()) {
      const other = Math.floor(random.next() * count);
      const peer = clients[other];
      if (peer === undefined || other === index) continue;
      client.update(`m${other}`, peer.own, (Math.abs(other - index) * gapMs) / 1000);
    }
  }
  return clients;
}

describe('network coordinates', () => {
  it('come to estimate the round trips that were measured', () => {
    const clients = converge(10, 10, 1500);
    let worst = 0;
    for (const [left, client] of clients.entries()) {
      for (const [right, other] of clients.entries()) {
        if (left === right) continue;
        const truth = Math.abs(left - right) * 0.01;
        worst = Math.max(worst, Math.abs(distanceSeconds(client.own, other.own) - truth) / truth);
      }
    }
    expect(worst).toBeLessThan(0.25);
  });

  it('take the median of three, so that one stall moves nothing', () => {
    const client = new CoordinateClient(seededRandom(1));
    for (let index = 0; index < 50; index += 1) client.update('a', originCoordinate, 0.01);
    const before = client.estimateMs('a') ?? 0;
    client.update('a', originCoordinate, 5);
    expect(Math.abs((client.estimateMs('a') ?? 0) - before)).toBeLessThan(5);
  });

  it('believe neither absurd points nor absurd times', () => {
    const client = new CoordinateClient(seededRandom(1));
    expect(client.update('a', originCoordinate, -1)).toBe(false);
    expect(client.update('a', originCoordinate, 11)).toBe(false);
    expect(client.update('a', originCoordinate, Number.NaN)).toBe(false);
    const absurd = { ...originCoordinate, height: Number.NaN };
    expect(client.update('a', absurd, 0.1)).toBe(false);
    expect(client.update('a', { ...originCoordinate, vec: [0] }, 0.1)).toBe(false);
    expect(client.heard('a', 1, Uint8Array.of(2, 0x80))).toBe(false);
    expect(client.heard('a', 1, Uint8Array.of(1, 0xc1))).toBe(false);
    expect(client.heard('a', 1, new Uint8Array(0))).toBe(true);
    expect(client.own).toEqual(originCoordinate);
    expect(client.estimateMs('a')).toBeUndefined();
  });

  it('stay sane whatever others claim', () => {
    const any = fc.record({
      vec: fc.array(fc.double(), { minLength: 8, maxLength: 8 }),
      error: fc.double(),
      adjustment: fc.double(),
      height: fc.double(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(any, fc.double())), (claims) => {
        const client = new CoordinateClient(seededRandom(3));
        for (const [claim, seconds] of claims) client.update('a', claim, seconds);
        expect(decodeCoordinate(encodeCoordinate(client.own))).toEqual(client.own);
      }),
    );
  });
});
