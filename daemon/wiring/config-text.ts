// Edits of the configuration file as text: comments and order stay.

import { hash } from 'node:crypto';
import { isCollection, isMap, parseDocument, type Document } from 'yaml';
import type { ConfigEdit } from '../control/ports.ts';

/**
 * Gives the text with some keys changed; `undefined` takes a key out. A text that is no YAML, or that
 * has a plain value where keys belong, is given back as it is: whoever loads it is told what is wrong.
 */
export function editedText(text: string, edits: readonly ConfigEdit[]): string {
  const document = parseDocument(text);
  const contents: unknown = document.contents;
  if (document.errors.length > 0) return text;
  if (contents !== null && !isMap(contents)) return text;
  for (const { key, value } of edits) {
    const names = key.split('.');
    if (value === undefined) {
      if (document.hasIn(names)) document.deleteIn(names);
    } else {
      if (!makeRoom(document, names)) return text;
      document.setIn(names, value);
    }
  }
  // A document without contents would be written as the word `null`.
  return document.contents === null ? text : document.toString();
}

/** A name of a text: changes with every change of it. */
export function versionOf(text: string): string {
  return hash('sha1', text, 'hex').slice(0, 16);
}

/** Turns an empty `group:` on the way into a mapping; false where a plain value is in the way. */
function makeRoom(document: Document, names: readonly string[]): boolean {
  for (let length = 1; length < names.length; length += 1) {
    const path = names.slice(0, length);
    if (!document.hasIn(path)) return true;
    const node: unknown = document.getIn(path);
    if (node === null) document.setIn(path, document.createNode({}));
    else if (!isCollection(node)) return false;
  }
  return true;
}
