// Which Node can run the product. SQLite's addon is built for Node-API 10; before 22.14 it does not
// fail to load, it crashes the process (WiseLibs/better-sqlite3#1514).

export const neededNode = '22.14.0';

/** Whether a version (`v24.21.0`, `22.14.0`) is new enough. */
export function isNodeEnough(version: string): boolean {
  const parts = (text: string): readonly number[] => text.replace(/^v/, '').split('.').map(Number);
  const [major = 0, minor = 0] = parts(version);
  const [neededMajor = 0, neededMinor = 0] = parts(neededNode);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}
