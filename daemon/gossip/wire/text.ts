// Go strings are bytes. Valid UTF-8 becomes the string it means; any other byte 0xNN becomes the
// lone surrogate U+DCNN (Python's "surrogateescape"), so that what we pass on is what we received.

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes bytes to a string from which `encodeText` makes the same bytes again. */
export function decodeText(bytes: Uint8Array): string {
  let ascii = true;
  for (const byte of bytes) {
    if (byte >= 0x80) {
      ascii = false;
      break;
    }
  }
  if (ascii) return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

/** The bytes of a string: UTF-8, with U+DC80..U+DCFF standing for the bytes 0x80..0xFF. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) parts.push(Uint8Array.of(code - 0xdc00));
    else parts.push(Buffer.from(character.toWellFormed(), 'utf8'));
  }
  return Buffer.concat(parts);
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  let offset = 0;
  while (offset < bytes.length) {
    const length = sequenceLength(bytes[offset] ?? 0);
    const sequence = bytes.subarray(offset, offset + length);
    try {
      if (sequence.length < length) throw new TypeError('cut short');
      text += strict.decode(sequence);
      offset += length;
    } catch {
      text += String.fromCharCode(0xdc00 + (bytes[offset] ?? 0));
      offset += 1;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
