import { expect, it } from 'vitest';
import { isNodeEnough, neededNode } from './runtime.ts';

it.each([
  ['v20.20.2', false],
  ['22.13.9', false],
  [neededNode, true],
  ['v22.14.0', true],
  ['v24.0.0', true],
  ['v100.1.0', true],
  ['nonsense', false],
])('Node %s: %s', (version, enough) => {
  expect(isNodeEnough(version)).toBe(enough);
});
