// From method and path to the route, by a tree of path parts.

import type { Route } from './call.ts';

interface Node {
  readonly parts: Map<string, Node>;
  readonly methods: Map<string, Route>;
}

export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly names: readonly string[] }
  | { readonly kind: 'wrong-method' }
  | { readonly kind: 'unknown' };

function node(): Node {
  return { parts: new Map(), methods: new Map() };
}

/** Gives the function that finds routes. A literal part goes before a name. */
export function router(routes: readonly Route[]): (method: string, path: string) => Match {
  const root = node();
  for (const route of routes) {
    let at = root;
    for (const part of route.path.split('/').slice(1)) {
      let next = at.parts.get(part);
      if (next === undefined) at.parts.set(part, (next = node()));
      at = next;
    }
    at.methods.set(route.method, route);
  }
  return (method, path) => {
    const parts = path.split('/').slice(1);
    const names: string[] = [];
    let at: Node | undefined = root;
    for (const part of parts) {
      const literal: Node | undefined = part === ':' ? undefined : at.parts.get(part);
      if (literal === undefined) {
        const name = decode(part);
        if (name === undefined || name === '') return { kind: 'unknown' };
        names.push(name);
      }
      at = literal ?? at.parts.get(':');
      if (at === undefined) return { kind: 'unknown' };
    }
    const route = at.methods.get(method);
    if (route !== undefined) return { kind: 'route', route, names };
    return { kind: at.methods.size > 0 ? 'wrong-method' : 'unknown' };
  };
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
