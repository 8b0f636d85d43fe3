// AES-GCM payloads: `version(1) | nonce(12) | ciphertext | tag(16)` (serf-wire.md §2 "Encrypt").

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { WireError } from './wire-error.ts';

const nonceSize = 12;
const tagSize = 16;
const blockSize = 16;

/** 0 pads to whole blocks first (PKCS7); 1 does not, and is what memberlist 2 and later write. */
export type EncryptionVersion = 0 | 1;

/** Bytes that encryption adds in version 1, which is the one we write. */
export const encryptOverhead = 1 + nonceSize + tagSize;

/** None of our keys opens the payload, or there is none. */
export class DecryptError extends WireError {
  override readonly name = 'DecryptError';
}

/** AES-128, -192 or -256 by the length of the key. `nonce` is random unless a test gives it. */
export function encryptPayload(
  version: EncryptionVersion,
  key: Uint8Array,
  plain: Uint8Array,
  associated: Uint8Array,
  nonce: Uint8Array = randomBytes(nonceSize),
): Uint8Array {
  const cipher = createCipheriv(algorithmOf(key), key, nonce);
  cipher.setAAD(associated);
  const parts = [Uint8Array.of(version), nonce, cipher.update(plain)];
  if (version === 0) {
    const padding = blockSize - (plain.length % blockSize);
    parts.push(cipher.update(new Uint8Array(padding).fill(padding)));
  }
  parts.push(cipher.final(), cipher.getAuthTag());
  return Buffer.concat(parts);
}

/** Tries every key in turn; throws `DecryptError` when none opens it, `WireError` for nonsense. */
export function decryptPayload(
  keys: readonly Uint8Array[],
  payload: Uint8Array,
  associated: Uint8Array,
): Uint8Array {
  const [version] = payload;
  if (version !== 0 && version !== 1) {
    throw new WireError('the encryption version is neither 0 nor 1');
  }
  const smallest = encryptOverhead + (version === 0 ? blockSize : 0);
  if (payload.length < smallest) throw new WireError('an encrypted payload cut short');
  for (const key of keys) {
    const plain = open(key, payload, associated);
    if (plain !== undefined) return version === 0 ? unpad(plain) : plain;
  }
  throw new DecryptError('no installed key could decrypt the message');
}

function open(
  key: Uint8Array,
  payload: Uint8Array,
  associated: Uint8Array,
): Uint8Array | undefined {
  const decipher = createDecipheriv(algorithmOf(key), key, payload.subarray(1, 1 + nonceSize), {
    authTagLength: tagSize,
  });
  decipher.setAAD(associated);
  decipher.setAuthTag(payload.subarray(payload.length - tagSize));
  const plain = decipher.update(payload.subarray(1 + nonceSize, payload.length - tagSize));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

function unpad(plain: Uint8Array): Uint8Array {
  const padding = plain.at(-1) ?? 0;
  if (padding < 1 || padding > blockSize || padding > plain.length) {
    throw new WireError('the padding of an encrypted payload is wrong');
  }
  return plain.subarray(0, plain.length - padding);
}

function algorithmOf(key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  if (key.length === 16) return 'aes-128-gcm';
  return key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm';
}
