// Takes out of a text what nobody else should read: keys, tokens, passwords, and who the user is.
// Applied when the bundle is made, so that what is previewed is what is saved.

import { homedir, userInfo } from 'node:os';

const hidden = '(hidden)';

/** Values behind a name that says that they are secret, in JSON, YAML, `name=value` and headers. */
const namedSecret =
  /((?:password|passwd|secret|token|authorization|cookie|encrypt|api[-_]?key|gossip\.?keys?)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|(?:Bearer |Basic )?[^\s,;}\]]+)/gi;
const bearer = /\b(Bearer|Basic) [A-Za-z0-9+/=._~-]{8,}/g;
/** Base64 of 16, 24 or 32 bytes: what a gossip key looks like, whoever printed it. */
const gossipKey =
  /(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{32}|[A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])/g;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/g;
/** Accounts in addresses. */
const account = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+@/gi;

/** Gives the text without secrets, the home directory as `~`, the user's name as `(user)`. */
export function redact(text: string, home = homedir(), user = userInfo().username): string {
  const plain = text
    .replace(privateKey, hidden)
    .replace(account, `$1${hidden}@`)
    .replace(namedSecret, `$1${hidden}`)
    .replace(bearer, `$1 ${hidden}`)
    .replace(gossipKey, (found) => (/^[0-9a-f]+$/i.test(found) ? found : hidden));
  const withoutHome = home.length > 1 ? plain.replaceAll(home, '~') : plain;
  // A very short name would be found inside other words.
  if (user.length < 3) return withoutHome;
  return withoutHome.replace(
    new RegExp(`(?<![\\w-])${user.replaceAll(/[^\w]/g, '\\$&')}(?![\\w-])`, 'g'),
    '(user)',
  );
}
