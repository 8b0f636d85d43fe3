// How many columns a text takes on a terminal: Chinese characters take two, combining marks none.

/** Wide and full-width blocks (Unicode Standard Annex 11), first and last code point. */
const wideBlocks: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Gives the number of columns of a text without control characters. */
export function displayWidth(text: string): number {
  // Nearly all texts are plain ASCII.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOf(segment);
  return width;
}

/** Cuts a text to `columns`, with an ellipsis where something is missing. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = widthOf(segment);
    if (width + next > columns - 1) break;
    kept += segment;
    width += next;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Fills a text up to `columns`. */
export function pad(text: string, columns: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** Breaks a text into lines of at most `columns`: at blanks, and anywhere between wide characters. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces(text)) {
    if (line !== '' && displayWidth(line) + displayWidth(piece.trimEnd()) > columns) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += line === '' ? piece.trimStart() : piece;
  }
  if (line !== '') lines.push(line.trimEnd());
  return lines;
}

/** Words with the blanks after them; each wide character is a piece of its own. */
function pieces(text: string): readonly string[] {
  const found: string[] = [];
  let word = '';
  for (const { segment } of segmenter.segment(text)) {
    const wide = widthOf(segment) === 2;
    if (wide && word !== '' && !isClosing(segment)) {
      found.push(word);
      word = '';
    }
    word += segment;
    if (wide || segment === ' ') {
      found.push(word);
      word = '';
    }
  }
  if (word !== '') found.push(word);
  return found;
}

/** Chinese punctuation that must not begin a line. */
function isClosing(segment: string): boolean {
  return '，。；：！？）”’、》'.includes(segment);
}

/** Takes out what could drive the terminal: names come from other machines. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

function widthOf(segment: string): number {
  const point = segment.codePointAt(0) ?? 0;
  if (/^\p{Mark}|^\p{Cf}/u.test(segment)) return 0;
  return wideBlocks.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}
