// Which etcd is supported: 3.4 (Debian's, which the tests run) and later ones of major version 3.

const oldest = { major: 3, minor: 4 };

/** Judges a version as etcd writes it (`3.4.23`). */
export function isSupportedEtcd(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === oldest.major && (minor ?? 0) >= oldest.minor;
}
