import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createTranslator } from '../../proto/translate.ts';
import { configReference } from './reference.ts';

it('the table in README.md is the one of the schema', async () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  const { format } = await import('prettier');
  const table = await format(configReference(createTranslator('en')), {
    parser: 'markdown',
    printWidth: 100,
  });
  // `npx node daemon/config/write-reference.ts` brings it up to date.
  expect(readme).toContain(table);
});
