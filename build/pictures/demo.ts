// Draws build/pictures/demo.svg: what `npm run demo` shows on a terminal after a while. Runs the real
// demo on a pseudo-terminal (`script` of util-linux); nothing in the picture is made up.

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

const runMs = 20_000;
const root = new URL('../..', import.meta.url).pathname;

const child = spawn(
  'script',
  ['-qfc', `stty cols 100 rows 30; exec '${process.execPath}' daemon/index.ts demo`, '/dev/null'],
  {
    cwd: root,
    env: { ...process.env, TERM: 'xterm', LANG: 'en' },
    stdio: ['pipe', 'pipe', 'inherit'],
  },
);
let output = '';
child.stdout.on('data', (part: Buffer) => (output += part.toString()));
await wait(runMs);
child.stdin.write('\u0003');
const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
await new Promise((resolve) => child.once('exit', resolve));
clearTimeout(patience);

// Whole frames only: the last one may have been cut off.
const frames = output.split('\u001b[H\u001b[J');
const lines = (frames.at(-2) ?? '').split(/\r?\n/).map((line) => line.trimEnd());
while (lines.at(-1) === '') lines.pop();
if (lines.length < 5) throw new Error(`the demo showed nothing:\n${output.slice(-2000)}`);
await writeFile(new URL('demo.svg', import.meta.url), svgOf(lines));

function svgOf(text: readonly string[]): string {
  const [cell, row, margin] = [7.83, 19, 18];
  const widest = Math.max(...text.map((line) => plain(line).length));
  const width = Math.round(widest * cell + 2 * margin);
  const height = text.length * row + 2 * margin;
  const body = text
    .map((line, index) => {
      const y = margin + (index + 0.75) * row;
      return `<text x="${margin}" y="${y.toFixed(1)}" xml:space="preserve">${spans(line)}</text>`;
    })
    .join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The demo: two registries in sync">
<style>text{font:13px ui-monospace,'SF Mono','Cascadia Mono','DejaVu Sans Mono',monospace;fill:#e8eaee}.b{font-weight:bold}.d{fill:#a3abb8}</style>
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
${body}
</svg>
`;
}

/** Bold and faint text as classes; other escapes are left out. */
function spans(line: string): string {
  // eslint-disable-next-line no-control-regex -- the escapes of a terminal are what is looked for
  return line.split(/\u001b\[(\d*)m/).reduce((drawn, part, index, parts) => {
    if (index % 2 === 1) return drawn;
    const code = parts[index - 1];
    const name = code === '1' ? 'b' : code === '2' ? 'd' : '';
    const text = escaped(part);
    return drawn + (name === '' || text === '' ? text : `<tspan class="${name}">${text}</tspan>`);
  }, '');
}

function plain(line: string): string {
  // eslint-disable-next-line no-control-regex -- as above
  return line.replaceAll(/\u001b\[\d*m/g, '');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
