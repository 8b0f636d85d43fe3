// Small wishes that this browser keeps (theme, places of clusters). A browser that keeps nothing is
// no error: the wish then lasts as long as the page.

const prefix = 'syncer.';

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(prefix + name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(prefix + name, value);
  } catch {
    // Storage is full or forbidden: see above.
  }
}
