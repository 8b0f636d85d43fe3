import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LamportClock } from './lamport.ts';
import { encodeUserEvent, EventTooLargeError, UserEventBuffer } from './user-events.ts';

const event = (lTime: number, name = 'e', payload = 'p') => ({
  lTime,
  name,
  payload: Buffer.from(payload),
});

describe('UserEventBuffer', () => {
  it('takes each event once, and others of the same time', () => {
    const buffer = new UserEventBuffer(new LamportClock());
    expect(buffer.take(event(5))).toBe('new');
    expect(buffer.take(event(5))).toBe('duplicate');
    expect(buffer.take(event(5, 'e', 'other'))).toBe('new');
    expect(buffer.take(event(5, 'f'))).toBe('new');
    expect(buffer.take({ lTime: 5, name: 'nil', payload: undefined })).toBe('new');
    expect(buffer.take({ lTime: 5, name: 'nil', payload: new Uint8Array(0) })).toBe('duplicate');
  });

  it('never delivers one event twice, in whatever order and however often it comes', () => {
    const times = fc.integer({ min: 1, max: 2000 });
    fc.assert(
      fc.property(fc.array(times, { minLength: 1, maxLength: 600 }), (order) => {
        const buffer = new UserEventBuffer(new LamportClock());
        const delivered = order.filter((lTime) => buffer.take(event(lTime)) === 'new');
        expect(new Set(delivered).size).toBe(delivered.length);
      }),
    );
  });

  it('drops what is older than its 512 slots, or than the time it was raised to', () => {
    const buffer = new UserEventBuffer(new LamportClock());
    expect(buffer.take(event(1000))).toBe('new');
    expect(buffer.take(event(488))).toBe('too-old');
    expect(buffer.take(event(489))).toBe('new');
    buffer.raiseMinTime(900);
    expect(buffer.take(event(899))).toBe('too-old');
    expect(buffer.take(event(900))).toBe('new');
  });

  it('drops jumps, giants, and floods of one time', () => {
    const buffer = new UserEventBuffer(new LamportClock());
    expect(buffer.take(event(Number.MAX_SAFE_INTEGER))).toBe('time-jump');
    expect(buffer.take(event(1, 'e', 'x'.repeat(10_000)))).toBe('too-large');
    for (let index = 0; index < 1024; index += 1) buffer.take(event(1, String(index)));
    expect(buffer.take(event(1, 'one more'))).toBe('full');
  });

  it('stays within its memory, and still delivers nothing twice', () => {
    const buffer = new UserEventBuffer(new LamportClock());
    const payload = 'x'.repeat(9000);
    for (let lTime = 1; lTime <= 500; lTime += 1) {
      for (const name of ['a', 'b']) expect(buffer.take(event(lTime, name, payload))).toBe('new');
    }
    expect(buffer.bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    for (let lTime = 1; lTime <= 500; lTime += 1) {
      expect(buffer.take(event(lTime, 'a', payload))).not.toBe('new');
    }
  });

  it('gives all its slots to a push/pull', () => {
    const buffer = new UserEventBuffer(new LamportClock());
    buffer.take(event(3));
    const slots = buffer.remembered();
    expect(slots).toHaveLength(512);
    expect(slots[3]).toEqual({ lTime: 3, events: [{ name: 'e', payload: expect.anything() }] });
    expect(slots.filter((slot) => slot !== undefined)).toHaveLength(1);
  });
});

describe('encodeUserEvent', () => {
  it('refuses more than 512 bytes, encoded too', () => {
    const of = (size: number) => ({ ...event(1, 'n', 'x'.repeat(size)), cc: true });
    expect(encodeUserEvent(of(400)).length).toBeLessThanOrEqual(512);
    expect(() => encodeUserEvent(of(512))).toThrow(EventTooLargeError);
    expect(() => encodeUserEvent(of(500))).toThrow(/encoded/);
  });
});
