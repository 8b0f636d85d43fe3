// The report of a run as a page of its own: no script, no network, light and dark by the reader's own
// setting.

import type { PromiseResult } from './run.ts';

/** The words of the page, in the reader's language. */
export interface ReportWords {
  readonly language: string;
  readonly title: string;
  readonly kept: string;
  readonly broken: string;
  readonly inapplicable: string;
  readonly transcript: string;
  readonly noTranscript: string;
  readonly took: (durationMs: number) => string;
  readonly made: string;
  readonly summary: string;
}

export interface ReportSubject {
  readonly title: string;
  readonly kind: string;
  readonly version: string;
  readonly api: number;
  readonly icon: string | undefined;
}

/** Gives the page. */
export function htmlReport(
  subject: ReportSubject,
  results: readonly PromiseResult[],
  words: ReportWords,
): string {
  const groups = Map.groupBy(results, ({ group }) => group);
  const count = (outcome: PromiseResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  const counts = (['kept', 'broken', 'inapplicable'] as const)
    .map(
      (outcome) =>
        `<li class="${count(outcome) === 0 ? 'inapplicable' : outcome}"><b>${count(outcome)}</b> ${escape(words[outcome])}</li>`,
    )
    .join('');
  const icon =
    subject.icon === undefined
      ? ''
      : `<img alt="" src="data:image/svg+xml;base64,${Buffer.from(subject.icon).toString('base64')}">`;
  const sections = [...groups].map(
    ([name, items]) =>
      `<section><h2>${escape(name)}</h2>${items.map((item) => row(item, words)).join('')}</section>`,
  );
  return `<!doctype html>
<html lang="${escape(words.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(words.title)}: ${escape(subject.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
${icon}<div><p class="over">${escape(words.title)}</p><h1>${escape(subject.title)}</h1>
<p class="quiet">${escape(`${subject.kind} ${subject.version} · API ${subject.api} · ${words.made}`)}</p></div>
</header>
<p class="verdict ${count('broken') === 0 ? 'kept' : 'broken'}">${escape(words.summary)}</p>
<ul class="counts">${counts}</ul>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

function row(result: PromiseResult, words: ReportWords): string {
  const { outcome, name, reason, durationMs, transcript } = result;
  const mark = { kept: '✓', broken: '✗', inapplicable: '–' }[outcome];
  const time =
    outcome === 'inapplicable' ? '' : `<span class="time">${escape(words.took(durationMs))}</span>`;
  const why = reason === '' ? '' : `<pre class="why">${escape(reason)}</pre>`;
  const lines = transcript
    .map(
      ({ atMs, kind, text }) =>
        `<tr class="${kind}"><td>${(atMs / 1_000).toFixed(2)}</td><td>${arrows[kind]}</td><td>${escape(text)}</td></tr>`,
    )
    .join('');
  const body =
    lines === ''
      ? outcome === 'inapplicable'
        ? ''
        : `<p class="quiet">${escape(words.noTranscript)}</p>`
      : `<table aria-label="${escape(words.transcript)}"><tbody>${lines}</tbody></table>`;
  return (
    `<details class="${outcome}"${outcome === 'broken' ? ' open' : ''}>` +
    `<summary><span class="mark" role="img" aria-label="${escape(words[outcome])}">${mark}</span>` +
    `<span>${escape(name)}</span>${time}</summary>${why}${body}</details>`
  );
}

const arrows = { asked: '→', answered: '←', told: '⇐', condition: '◆' } as const;

const style = `
:root{color-scheme:light dark;--ground:#f7f7f5;--card:#fff;--line:#dddcd6;--text:#1d1f21;--quiet:#5f6368;
--kept:#1a7f4b;--broken:#b3261e;--inapplicable:#6b6f76;--soft:#f0efeb}
@media (prefers-color-scheme:dark){:root{--ground:#16181b;--card:#1e2125;--line:#34383e;--text:#e7e8ea;
--quiet:#9ba1a9;--kept:#5fd39a;--broken:#ff8a80;--inapplicable:#9ba1a9;--soft:#262a2f}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
header{display:flex;gap:1rem;align-items:center}
header img{width:3.5rem;height:3.5rem}
h1{margin:0;font-size:1.75rem;line-height:1.2;font-weight:650}
h2{margin:2rem 0 .5rem;font-size:1rem;font-weight:650}
h2::first-letter{text-transform:uppercase}
p{margin:.25rem 0}
.over,.quiet{color:var(--quiet);font-size:.875rem}
.verdict{margin:1.5rem 0 1rem;padding:.75rem 1rem;border-radius:.5rem;background:var(--card);
border:1px solid var(--line);border-left:.3rem solid currentColor;font-weight:550}
.counts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;list-style:none;margin:0;padding:0}
.counts b{font-size:1.25rem;font-variant-numeric:tabular-nums}
.kept.kept{--tone:var(--kept)}.broken.broken{--tone:var(--broken)}.inapplicable{--tone:var(--inapplicable)}
.verdict,.counts b,.mark{color:var(--tone)}
details{background:var(--card);border:1px solid var(--line);border-bottom-width:0}
details:first-of-type{border-radius:.5rem .5rem 0 0}
details:last-of-type{border-bottom-width:1px;border-radius:0 0 .5rem .5rem}
details:only-of-type{border-radius:.5rem}
summary{display:grid;grid-template-columns:1.25rem 1fr auto;gap:.5rem;padding:.5rem .9rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary:hover{background:var(--soft)}
summary:focus-visible{outline:2px solid var(--kept);outline-offset:-2px}
.mark{font-weight:700}
.time{color:var(--quiet);font-variant-numeric:tabular-nums;font-size:.875rem}
.why{margin:0 .9rem .75rem 2.65rem;padding:.6rem .8rem;background:var(--soft);border-radius:.4rem;color:var(--tone);
white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace}
details>.quiet{padding:0 .9rem .75rem 2.65rem}
table{width:100%;border-collapse:collapse;font:12.5px/1.5 ui-monospace,monospace;border-top:1px solid var(--line)}
td{padding:.1rem .5rem;vertical-align:top;overflow-wrap:anywhere}
td:first-child{text-align:right;color:var(--quiet);width:4.5rem;font-variant-numeric:tabular-nums;padding-left:.9rem}
td:nth-child(2){width:1.5rem;color:var(--quiet)}
tr.condition td{color:var(--quiet)}
tr.told td:last-child{font-weight:550}
`.replaceAll('\n', '');

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
