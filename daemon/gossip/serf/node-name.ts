// What may be the name of a member: every other member shows it, logs it and writes it to files.

import { encodeText } from '../wire/text.ts';

/** serf's limit on names (ValidateNodeNames). */
const maxNameBytes = 128;

/** The name cannot be used. */
class NodeNameError extends Error {
  override readonly name = 'NodeNameError';
}

/** Throws `NodeNameError` unless 1 to 128 bytes of UTF-8 without control characters or outer spaces. */
export function checkNodeName(name: string): void {
  const size = encodeText(name).length;
  if (size > 0 && size <= maxNameBytes && name.isWellFormed() && name.trim() === name) {
    if (isPlainName(name)) return;
  }
  throw new NodeNameError(
    `"${name}" cannot be the name of a member: 1 to ${maxNameBytes} bytes are wanted, without ` +
      'control characters and without spaces at its ends',
  );
}

/** False for a name with a line break or the like: it could forge lines in a file or a log. */
export function isPlainName(name: string): boolean {
  // eslint-disable-next-line no-control-regex
  return name !== '' && !/[\u0000-\u001f\u007f]/.test(name);
}
