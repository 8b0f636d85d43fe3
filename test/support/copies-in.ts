// How many foreign copies a registry holds, by its own answer.

import { nativesOf } from './checker/compare.ts';
import { readRegistry } from './checker/read-registry.ts';

export async function copiesIn(url: string): Promise<number> {
  const content = await readRegistry(url);
  return content.instances.length - nativesOf(content).length;
}
