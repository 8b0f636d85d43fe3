// Short notes about what has just been done. A failure stays until it is closed.

export interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
  readonly remedy: string;
}

/** How long a good note is shown. Raising it covers more of the page for longer. */
const shownMs = 6_000;
/** More at once would be a wall; the oldest goes first. */
const mostShown = 4;

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #lastId = 0;

  done(text: string): void {
    const { id } = this.#add({ tone: 'good', text, remedy: '' });
    setTimeout(() => this.close(id), shownMs);
  }

  failed(text: string, remedy: string): void {
    this.#add({ tone: 'bad', text, remedy });
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>): Toast {
    const added = { ...toast, id: ++this.#lastId };
    this.list = [...this.list, added].slice(-mostShown);
    return added;
  }
}

export const toasts = new Toasts();
