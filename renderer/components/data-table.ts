// What a table is told of its columns, and what it asks for.

import type { Snippet } from 'svelte';

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** Pixels that it needs at least … */
  readonly min: number;
  /** … and its part of what is left over. */
  readonly grow: number;
  readonly cell: Snippet<[Row]>;
  readonly numeric?: boolean;
  readonly sortable?: boolean;
}

export interface Sorting {
  readonly by: string;
  readonly descending: boolean;
}

export interface RowPage<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}
