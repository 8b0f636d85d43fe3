import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeKey, encodeKey, readKeyringFile, writeKeyringFile } from './keyring-file.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyring-'));
  file = join(directory, 'keyring.json');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const keys = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)];

describe('the keyring file', () => {
  it('holds the keys in order, for the owner alone, and leaves nothing else behind', async () => {
    await writeFile(file, '[]', { mode: 0o644 });
    await writeKeyringFile(file, keys);
    expect((await readKeyringFile(file))?.map(encodeKey)).toEqual(keys.map(encodeKey));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(keys.map(encodeKey));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['keyring.json']);
  });

  it('may be missing', async () => {
    expect(await readKeyringFile(file)).toBeUndefined();
    expect(await readKeyringFile(undefined)).toBeUndefined();
  });

  it.each([
    ['{', /no JSON list/],
    ['[]', /no JSON list/],
    ['["AAAA"]', /entry 1 holds no key/],
    [JSON.stringify([encodeKey(new Uint8Array(16)), 7]), /entry 2 holds no key/],
  ])('is refused with its name and the reason: %s', async (content, reason) => {
    await writeFile(file, content);
    await expect(readKeyringFile(file)).rejects.toThrow(reason);
    await expect(readKeyringFile(file)).rejects.toThrow(file);
  });
});

describe('decodeKey', () => {
  it('takes base64 of 16, 24 and 32 bytes alone', () => {
    for (const size of [16, 24, 32]) {
      expect(decodeKey(encodeKey(new Uint8Array(size)), 'k')).toHaveLength(size);
    }
    for (const text of ['', 'nonsense', encodeKey(new Uint8Array(17))]) {
      expect(() => decodeKey(text, 'the key 1')).toThrow(/the key 1 holds no key/);
    }
  });
});
