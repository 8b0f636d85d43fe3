// The keyring on disk: serf's own format, a JSON list of base64 keys, the primary first. Only the
// owner may read it, and a crash leaves the old or the new one, never half of one.

import { open, readFile, rename, rm } from 'node:fs/promises';

/** The keyring file cannot be used. The message names the file, the reason and the remedy. */
class KeyringFileError extends Error {
  override readonly name = 'KeyringFileError';
}

/** Decodes a base64 key. Throws `KeyringFileError` naming `source` where it is none. */
export function decodeKey(text: string, source: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64') !== text.trim() || ![16, 24, 32].includes(key.length)) {
    throw new KeyringFileError(
      `${source} holds no key: base64 of 16, 24 or 32 bytes is wanted ` +
        `(this is ${key.length} bytes); \`serf keygen\` makes one`,
    );
  }
  return key;
}

/** The keys in a file, the primary first; `undefined` where there is none. Throws `KeyringFileError`. */
export async function readKeyringFile(
  file: string | undefined,
): Promise<readonly Uint8Array[] | undefined> {
  if (file === undefined) return undefined;
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KeyringFileError(`the keyring ${file} cannot be read: ${String(error)}`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    parsed = undefined;
  }
  if (!Array.isArray(parsed) || parsed.length === 0) {
    throw new KeyringFileError(
      `the keyring ${file} is no JSON list of keys: restore it, or remove it to use the configured keys`,
    );
  }
  return parsed.map((key, index) => decodeKey(String(key), `${file}, entry ${index + 1}`));
}

/** Replaces the file by these keys. */
export async function writeKeyringFile(file: string, keys: readonly Uint8Array[]): Promise<void> {
  const next = `${file}.new`;
  await rm(next, { force: true });
  const handle = await open(next, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(keys.map(encodeKey), undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
}

/** Base64. */
export function encodeKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
