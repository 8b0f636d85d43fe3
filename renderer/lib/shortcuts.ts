// Keys that work everywhere: Ctrl+1…9 (⌘ on a Mac) for the pages, `/` for the filter of a page.
// Escape is the panel's and the dialogs' own.

import { pages, router } from './router.svelte.ts';

/** Listens until the signal aborts. */
export function installShortcuts(signal: AbortSignal): void {
  addEventListener('keydown', onKey, { signal });
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : undefined;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && digit !== undefined) {
    const page = pages[digit - 1];
    if (page === undefined) return;
    event.preventDefault();
    router.go(page);
    return;
  }
  if (event.key === '/' && !event.ctrlKey && !event.metaKey && !isTyping(event.target)) {
    const filter = document.querySelector<HTMLInputElement>('[data-filter]');
    if (filter === null) return;
    event.preventDefault();
    filter.focus();
    filter.select();
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select') !== null;
}
