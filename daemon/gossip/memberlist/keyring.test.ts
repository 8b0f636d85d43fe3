import { describe, expect, it } from 'vitest';
import { Keyring, KeyringError } from './keyring.ts';

const [a, b, c] = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

describe('Keyring', () => {
  it('keeps keys in order, the primary first', () => {
    const ring = new Keyring([a, b]);
    ring.install(c);
    ring.install(b);
    expect(ring.keys()).toEqual([a, b, c]);
    ring.use(c);
    expect(ring.keys()).toEqual([c, a, b]);
    expect(ring.primary).toEqual(c);
    ring.remove(a);
    ring.remove(a);
    expect(ring.keys()).toEqual([c, b]);
  });

  it('refuses to remove the primary, to use what it has not, and keys of other sizes', () => {
    const ring = new Keyring([a]);
    expect(() => ring.remove(a)).toThrow(KeyringError);
    expect(() => ring.use(b)).toThrow(/not in the keyring/);
    expect(() => ring.install(new Uint8Array(15))).toThrow(/16, 24 or 32 bytes, not 15/);
    expect(new Keyring().enabled).toBe(false);
  });
});
