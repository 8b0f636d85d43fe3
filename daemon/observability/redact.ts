// Takes secrets out of a line of the log, before it gets anywhere.

const mark = '<redacted>';

/** Accounts in addresses, and what an Authorization header carries. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/(\w+:\/\/)[^/\s"@]*@/g, `$1${mark}@`],
  [/\b(Bearer|Basic) [\w.~+/=-]{4,}/g, `$1 ${mark}`],
  [/("(?:password|token|authorization|secret|passphrase)":)"(?:[^"\\]|\\.)*"/gi, `$1"${mark}"`],
];

/** Gives the function that redacts a JSON line: the patterns, and these values wherever they stand. */
export function lineRedactor(secrets: readonly string[]): (line: string) => string {
  const values = secrets
    // A shorter one would take harmless text apart, and guards nothing.
    .filter((secret) => secret.length >= 4)
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .sort((left, right) => right.length - left.length);
  return (line) => {
    let text = line;
    for (const value of values) text = text.replaceAll(value, mark);
    for (const [pattern, replacement] of patterns) text = text.replace(pattern, replacement);
    return text;
  };
}
