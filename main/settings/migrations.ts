// From a settings file of an older version to the present one: one function a version, in order.

import type { Document } from 'yaml';

/** Each leads from its version to the next. A file without a version is of version 0. */
export const migrations: readonly ((document: Document) => void)[] = [
  // 0 → 1: written by hand, before the file had a version; the keys are the same.
  () => undefined,
];

/** Brings a document up to the present version. */
export function migrate(document: Document, from: number): void {
  for (const migration of migrations.slice(from)) migration(document);
}
