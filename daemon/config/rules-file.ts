// Rules from a file of their own, for `syncer plan --rules FILE`.

import { isMap, LineCounter, parseDocument } from 'yaml';
import type { Rules } from '../model/rules.ts';
import { checkValue } from './check.ts';
import { innermostLine } from './layers.ts';
import type { ConfigProblem, ValueSource } from './problems.ts';
import { rulesSchema } from './schema.ts';

export type LoadedRules =
  | { readonly ok: true; readonly rules: Rules }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads YAML with `export`, `import`, `absence`, alone or under `rules:`. Never throws. */
export function loadRules(text: string, file: string): LoadedRules {
  const lines = new LineCounter();
  const syntax = (offset: number, reason: string): LoadedRules => {
    const { line, col } = lines.linePos(offset);
    const parameters = { file, line: String(line), column: String(col), reason };
    return { ok: false, problems: [{ code: 'config.file-syntax', parameters }] };
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const error = document.errors[0];
    if (error !== undefined) return syntax(error.pos[0], error.message);
    const names = isMap(document.contents) && document.contents.has('rules') ? ['rules'] : [];
    const sourceOf = (inner: readonly PropertyKey[]): ValueSource =>
      innermostLine(document, names, inner, lines, file);
    const tree: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
    const value: unknown = names.length === 0 ? tree : ((tree as { rules: unknown }).rules ?? {});
    const raw = { value, source: sourceOf([]), sourceOf };
    const problems = checkValue('rules', rulesSchema, raw, false);
    return problems.length > 0
      ? { ok: false, problems }
      : { ok: true, rules: rulesSchema.parse(value) };
  } catch (thrown) {
    // Nesting deeper than the parser's stack, or more aliases than any honest file has.
    return syntax(0, thrown instanceof Error ? thrown.message : String(thrown));
  }
}
