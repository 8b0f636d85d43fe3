// Writes the table of fields into README.md, between its two marks.

import { readFileSync, writeFileSync } from 'node:fs';
import { fieldTable } from './field-table.ts';

const file = new URL('README.md', import.meta.url);
const readme = readFileSync(file, 'utf8');
writeFileSync(
  file,
  readme.replace(
    /(<!-- fields -->\n)[\s\S]*(<!-- end of fields -->)/,
    (_, start: string, end: string) => `${start}\n${fieldTable()}\n\n${end}`,
  ),
);
