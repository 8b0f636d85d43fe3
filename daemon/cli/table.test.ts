import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStyle } from './style.ts';
import { renderTable } from './table.ts';
import { displayWidth, pad, truncate, wrap } from './width.ts';

const style = createStyle({ isTerminal: false, environment: {} });
const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '注', '册', '，', 'é', '👩‍💻') });

describe('width', () => {
  it('counts a Chinese character as two columns, a combined one as what is seen', () => {
    expect(displayWidth('注册中心')).toBe(8);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('👩‍💻')).toBe(2);
  });

  it('never cuts to more than was asked, and fills to exactly it', () => {
    fc.assert(
      fc.property(text, fc.nat(40), (value, columns) => {
        const cut = truncate(value, columns);
        expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
        expect(displayWidth(pad(cut, columns, 'left'))).toBe(columns);
      }),
    );
  });

  it('breaks lines without losing a word', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 10, max: 40 }), (value, columns) => {
        const lines = wrap(value, columns);
        const bare = (whole: string): string => whole.replaceAll(' ', '');
        expect(bare(lines.join(''))).toBe(bare(value));
      }),
    );
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrap('注册中心已停止', 8)).toEqual(['注册中心', '已停止']);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: (row: readonly string[]) => row[0] ?? '' },
    { title: '状态', cell: (row: readonly string[]) => row[1] ?? '' },
    { title: 'WIDE', wide: true, cell: (row: readonly string[]) => row[2] ?? '' },
  ];

  it('fits its columns, whatever the content', () => {
    const rows = fc.array(fc.tuple(text, text, text), { maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 20, max: 100 }), (content, width) => {
        const lines = renderTable(content, columns, { columns: width, wide: false, style });
        expect(lines).toHaveLength(content.length + 1);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('shows every column whole where asked', () => {
    const row = ['n'.repeat(50), 's'.repeat(50), 'w'.repeat(50)];
    const lines = renderTable([row], columns, { columns: 80, wide: true, style });
    expect(lines[1]).toBe(row.join('  '));
  });
});
