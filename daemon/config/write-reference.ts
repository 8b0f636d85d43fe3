// Writes the table of all keys into README.md, between its two marks.

import { readFileSync, writeFileSync } from 'node:fs';
import { createTranslator } from '../../proto/translate.ts';
import { configReference } from './reference.ts';

const file = new URL('README.md', import.meta.url);
const table = configReference(createTranslator('en'));
const readme = readFileSync(file, 'utf8');
writeFileSync(
  file,
  readme.replace(
    /(<!-- keys -->\n)[\s\S]*(<!-- end of keys -->)/,
    (_, start: string, end: string) => `${start}\n${table}\n\n${end}`,
  ),
);
