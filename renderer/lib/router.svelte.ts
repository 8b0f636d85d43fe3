// Where the reader is: page, filter and selected row, all in the URL fragment, so that a link or a
// reload leads back to the same view (`#/instances?text=orders&row=i-1`).

export const pages = [
  'overview',
  'services',
  'instances',
  'clusters',
  'held',
  'activity',
  'diagnostics',
  'logs',
  'settings',
] as const;

/** Those of the side bar, the page of one link between clusters, and the first-run wizard. */
export type Page = (typeof pages)[number] | 'link' | 'wizard';

export interface Route {
  readonly page: Page;
  readonly query: Readonly<Record<string, string>>;
}

/** Gives the route of a fragment; an unknown page is the overview. */
function parseRoute(fragment: string): Route {
  const [path = '', search = ''] = fragment.replace(/^#\/?/, '').split('?');
  const page = [...pages, 'link', 'wizard'].find((name) => name === path) ?? 'overview';
  return { page: page as Page, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Gives the fragment of a route, without empty parts. */
export function formatRoute({ page, query }: Route): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(filled).toString();
  return search === '' ? `#/${page}` : `#/${page}?${search}`;
}

class Router {
  #route = $state(parseRoute(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.#route = parseRoute(location.hash)));
  }

  get route(): Route {
    return this.#route;
  }

  /** Goes to a page, as a step that the back button undoes. */
  go(page: Page, query: Readonly<Record<string, string>> = {}): void {
    location.hash = formatRoute({ page, query });
  }

  /** One part of the query; empty where it is not given. */
  get(name: string): string {
    return this.#route.query[name] ?? '';
  }

  /** Changes parts of the query in place (typing in a filter makes no history). */
  refine(query: Readonly<Record<string, string>>): void {
    const next = { ...this.#route, query: { ...this.#route.query, ...query } };
    history.replaceState(null, '', formatRoute(next));
    this.#route = next;
  }
}

export const router = new Router();
