import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTags, encodeTags, TagsTooLargeError } from './tags.ts';

describe('tags', () => {
  it('come back as they went, up to 512 bytes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), (tags) => {
        let meta: Uint8Array;
        try {
          meta = encodeTags(tags);
        } catch (error) {
          expect(error).toBeInstanceOf(TagsTooLargeError);
          return;
        }
        expect(meta.length).toBeLessThanOrEqual(512);
        const back = decodeTags(meta);
        expect(Object.keys(back).sort()).toEqual(Object.keys(tags).sort());
        for (const key of Object.keys(tags)) expect(back[key]).toBe(tags[key]);
      }),
    );
  });

  it('name the longest one when they do not fit', () => {
    expect(() => encodeTags({ a: 'x', long: 'y'.repeat(600) })).toThrow(/"long", 600 characters/);
  });

  it('take plain meta-data as the tag role, and broken maps as none', () => {
    expect(decodeTags(Buffer.from('web'))).toEqual({ role: 'web' });
    expect(decodeTags(new Uint8Array(0))).toEqual({});
    expect(decodeTags(Uint8Array.of(0xff, 0x81, 0xa1))).toEqual({});
    expect(decodeTags(Uint8Array.of(0xff, 0x93, 1, 2, 3))).toEqual({});
  });

  it('take any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 512 }), (meta) => {
        expect(typeof decodeTags(meta)).toBe('object');
      }),
    );
  });
});
