// A binary heap of things that fall due.

/** Items by due time; those of one time in the order in which they were put. */
export class DeadlineQueue<T> {
  readonly #heap: { readonly dueMs: number; readonly order: number; readonly item: T }[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }
  /** When the first falls due; `undefined` when there is none. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  put(dueMs: number, item: T): void {
    const heap = this.#heap;
    const entry = { dueMs, order: this.#order++, item };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  /** Takes the first item that is due at `nowMs`. */
  takeDue(nowMs: number): { readonly item: T } | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return { item: first.item };
  }

  #sink(entry: { readonly dueMs: number; readonly order: number; readonly item: T }): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const useRight = right !== undefined && isBefore(right, left);
      const child = useRight ? right : left;
      if (isBefore(entry, child)) break;
      heap[index] = child;
      index = 2 * index + (useRight ? 2 : 1);
    }
    heap[index] = entry;
  }
}

interface Ranked {
  readonly dueMs: number;
  readonly order: number;
}

function isBefore(left: Ranked, right: Ranked): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}
