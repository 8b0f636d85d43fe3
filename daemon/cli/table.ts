// Tables that fit the terminal: columns as wide as their content, the least important given up
// first, the widest cut where nothing else helps.

import type { Style, Tone } from './style.ts';
import { displayWidth, harmless, pad, truncate } from './width.ts';

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | Cell;
  readonly align?: 'left' | 'right';
  /** Shown with `--output wide` only. */
  readonly wide?: boolean;
}

export interface TableLayout {
  readonly columns: number;
  /** `--output wide`: every column, whole. */
  readonly wide: boolean;
  readonly style: Style;
}

const gap = 2;
/** No column is cut below this: what is left would say nothing. */
const narrowest = 8;

/** Gives the lines of a table with its head. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  layout: TableLayout,
): readonly string[] {
  const shown = columns.filter((column) => layout.wide || column.wide !== true);
  const body = rows.map((row) => shown.map((column) => cellOf(column.cell(row))));
  const natural = shown.map((column, index) =>
    Math.max(
      displayWidth(column.title),
      ...body.map((row) => displayWidth(row[index]?.text ?? '')),
    ),
  );
  const widths = layout.wide ? natural : fit(natural, layout.columns);
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, tone }, index) => {
        const width = widths[index] ?? 0;
        const filled = pad(truncate(text, width), width, shown[index]?.align ?? 'left');
        return layout.style.paint(filled, tone ?? 'plain');
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return [line(shown.map(({ title }) => ({ text: title, tone: 'quiet' }))), ...body.map(line)];
}

/** Cuts the widest columns, a column at a time, until all fit. */
function fit(natural: readonly number[], columns: number): readonly number[] {
  const widths = [...natural];
  const total = (): number =>
    widths.reduce((sum, width) => sum + width, 0) + gap * Math.max(0, widths.length - 1);
  for (let excess = total() - columns; excess > 0; excess = total() - columns) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest];
    if (width === undefined || width <= narrowest) break;
    const second = Math.max(narrowest, ...widths.filter((_, index) => index !== widest));
    // Down to the next widest at once, then evenly.
    const target = width > second ? Math.max(second, width - excess) : width - 1;
    widths[widest] = Math.max(narrowest, target);
  }
  return widths;
}

function cellOf(value: string | Cell): Cell {
  return typeof value === 'string'
    ? { text: harmless(value) }
    : { ...value, text: harmless(value.text) };
}
