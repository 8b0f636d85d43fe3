// One page of a sorted list without sorting the list: for 150,000 rows a full sort would take
// longer than a person's patience with a filter, and only some hundred rows are looked at.

export interface Page {
  /** Rows before the first one that is wanted. */
  readonly offset: number;
  readonly limit: number;
}

/** Less than 0: `left` comes first. Must never give 0 for two different rows of one list. */
export type Compare<Row> = (left: Row, right: Row) => number;

/** A page, and the number of rows that it was taken from. */
export interface TakenPage<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

/**
 * Up to this many rows from the start are kept while the list goes by, which looks at most rows
 * once. Raising it makes each of the rare re-sorts longer.
 */
const nearLimit = 4_096;

/** Gives the rows that would stand at `offset` to `offset + limit` if `rows` were sorted. */
export function takePage<Row>(
  rows: Iterable<Row>,
  compare: Compare<Row>,
  page: Page,
): TakenPage<Row> {
  return page.offset + page.limit <= nearLimit
    ? takeNear(rows, compare, page)
    : takeDeep([...rows], compare, page);
}

/** Keeps the first rows in a buffer twice as long, sorted and cut each time that it is full. */
function takeNear<Row>(rows: Iterable<Row>, compare: Compare<Row>, page: Page): TakenPage<Row> {
  const wanted = page.offset + page.limit;
  let best: Row[] = [];
  let worst: Row | undefined;
  let total = 0;
  for (const row of rows) {
    total += 1;
    if (worst !== undefined && compare(row, worst) > 0) continue;
    best.push(row);
    if (best.length < wanted * 2) continue;
    best = best.sort(compare).slice(0, wanted);
    worst = best.at(-1);
  }
  return { rows: best.sort(compare).slice(page.offset, wanted), total };
}

/** Quickselect at both ends of the page; only the page itself is sorted. */
function takeDeep<Row>(rows: Row[], compare: Compare<Row>, page: Page): TakenPage<Row> {
  const start = Math.min(page.offset, rows.length);
  const end = Math.min(start + page.limit, rows.length);
  if (start === end) return { rows: [], total: rows.length };
  if (start > 0) partitionAt(rows, compare, start, 0, rows.length - 1);
  if (end < rows.length) partitionAt(rows, compare, end, start, rows.length - 1);
  return { rows: rows.slice(start, end).sort(compare), total: rows.length };
}

/** Moves rows so that those before `index` come no later than those from `index` on. */
function partitionAt<Row>(
  rows: Row[],
  compare: Compare<Row>,
  index: number,
  from: number,
  to: number,
): void {
  let low = from;
  let high = to;
  while (low < high) {
    const pivot = medianOfThree(rows, compare, low, high);
    let left = low;
    let right = high;
    while (left <= right) {
      while (compare(at(rows, left), pivot) < 0) left += 1;
      while (compare(at(rows, right), pivot) > 0) right -= 1;
      if (left > right) break;
      const moved = at(rows, left);
      rows[left] = at(rows, right);
      rows[right] = moved;
      left += 1;
      right -= 1;
    }
    if (index <= right) high = right;
    else if (index >= left) low = left;
    else return;
  }
}

/** Keeps sorted input, the usual one, from being the worst case. */
function medianOfThree<Row>(rows: Row[], compare: Compare<Row>, low: number, high: number): Row {
  const first = at(rows, low);
  const middle = at(rows, low + Math.floor((high - low) / 2));
  const last = at(rows, high);
  if (compare(first, middle) < 0) {
    if (compare(middle, last) < 0) return middle;
    return compare(first, last) < 0 ? last : first;
  }
  if (compare(first, last) < 0) return first;
  return compare(middle, last) < 0 ? last : middle;
}

function at<Row>(rows: readonly Row[], index: number): Row {
  // Every index in this file lies within the bounds that takePage has set.
  return rows[index] as Row;
}
