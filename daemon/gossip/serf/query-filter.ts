// Who is asked by a query: a list of names, and expressions on tags (serf-wire.md §8 "Filter raw").

import { RE2JS } from 're2js';
import { decodeValue, encodeValue } from '../wire/table.ts';
import { WireError } from '../wire/wire-error.ts';
import { filterType, nodeFilter, tagFilter } from './messages.ts';
import type { Tags } from './tags.ts';

/** Who decides: the name and the tags of the member that is asked. */
export interface Asked {
  readonly name: string;
  readonly tags: Tags;
}

/** A filter of a query of our own cannot be used; the message names it. */
export class QueryFilterError extends Error {
  override readonly name = 'QueryFilterError';
}

/** Compiled expressions; the same few come again and again. */
const maxCompiled = 64;
const compiled = new Map<string, RE2JS>();

/** Go's regular expressions, in linear time (RE2): a forged one cannot hang the member. */
function compile(expression: string): RE2JS {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const fresh = RE2JS.compile(expression);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(expression, fresh);
  return fresh;
}

/** The filters of a query on the wire. Throws `QueryFilterError` for a bad expression. */
export function encodeFilters(
  nodes: readonly string[] | undefined,
  tags: Readonly<Record<string, string>> | undefined,
): readonly Uint8Array[] {
  const filters: Uint8Array[] = [];
  if (nodes !== undefined && nodes.length > 0) {
    filters.push(withType(filterType.node, encodeValue(nodeFilter, nodes)));
  }
  for (const [tag, expr] of Object.entries(tags ?? {})) {
    try {
      compile(expr);
    } catch (error) {
      throw new QueryFilterError(
        `the filter of tag "${tag}" is no RE2 expression: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    filters.push(withType(filterType.tag, tagFilter.encodeBody({ expr, tag })));
  }
  return filters;
}

/** Do all filters let this member pass? One that cannot be read lets nobody pass. */
export function passesFilters(filters: readonly Uint8Array[], asked: Asked): boolean {
  return filters.every((filter) => {
    try {
      return passes(filter, asked);
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  });
}

function passes(filter: Uint8Array, asked: Asked): boolean {
  switch (filter[0]) {
    case filterType.node:
      return decodeValue(nodeFilter, filter, 1).value.includes(asked.name);
    case filterType.tag: {
      const { expr, tag } = tagFilter.decode(filter.subarray(1));
      return compile(expr)
        .matcher(asked.tags[tag] ?? '')
        .find();
    }
    default:
      throw new WireError('a filter of unknown kind');
  }
}

function withType(type: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(type), body]);
}
