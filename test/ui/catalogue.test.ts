// Whatever a person reads comes from the catalogues: no template holds text of its own, and no
// attribute that is read aloud or shown.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../renderer/', import.meta.url));
const shown = new Set(['title', 'aria-label', 'alt', 'label', 'aria-description']);
/** Examples of addresses stand in fields as they are. */
const example = /^[\d.:/a-z]*\d{4,5}$/;

/** Gives what stands in a template outside the catalogue. */
function strayText(source: string): readonly string[] {
  const found: string[] = [];
  const note = (text: string): void => {
    if (/\p{L}{2}/u.test(text) && !example.test(text.trim())) found.push(text.trim());
  };
  const visit = (node: unknown, inAttribute: string): void => {
    if (Array.isArray(node)) for (const one of node) visit(one, inAttribute);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    const { type, name, data } = node as { type?: string; name?: string; data?: string };
    if (
      type === 'Text' &&
      (inAttribute === '' || shown.has(inAttribute) || inAttribute === 'placeholder')
    ) {
      note(data ?? '');
    }
    const attribute = type === 'Attribute' ? (name ?? '') : inAttribute;
    for (const value of Object.values(node)) visit(value, attribute);
  };
  visit(parse(source, { modern: true }).fragment, '');
  return found;
}

describe('the templates of the page', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.svelte'),
  );

  it('are found', () => expect(files.length).toBeGreaterThan(40));

  it.each(files)('%s shows no text from outside the catalogues', (file) => {
    expect(strayText(readFileSync(folder + file, 'utf8'))).toEqual([]);
  });

  it('would be caught with a stray word, in text or in an attribute', () => {
    expect(strayText('<p>Hello</p><button title="Close">{x}</button>')).toEqual(['Hello', 'Close']);
    expect(strayText('<p class="quiet">{t("ui.do.close")}</p>')).toEqual([]);
  });
});
