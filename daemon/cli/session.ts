// One run of a command: where it prints, in which language and form, and its connection.

import { connectControl, type ControlClient } from '../../proto/control/client.ts';
import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { renderText } from '../../proto/health.ts';
import type { Locale, Translate } from '../../proto/translate.ts';
import type { CliIo } from './io.ts';
import { locateDaemon, type DaemonWish } from './locate.ts';
import { createStyle, type Style } from './style.ts';
import { renderTable, type Column } from './table.ts';
import { harmless, wrap } from './width.ts';
import { createWords, type Words } from './words.ts';

export interface Session {
  readonly io: CliIo;
  readonly say: Translate;
  /** Puts a text by key into words; nothing for none. */
  readonly inWords: (text: Text | undefined) => string;
  readonly locale: Locale;
  readonly words: Words;
  readonly style: Style;
  readonly json: boolean;
  readonly wide: boolean;
  readonly version: string;
  /** Connects to the daemon on first use. Rejects with `SyncerError`. */
  connect(): Promise<ControlClient>;
  line(text?: string): void;
  /** A paragraph, broken to the width of the terminal; the first line may have a mark. */
  paragraph(text: string, indent?: string, first?: string): void;
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void;
  /** One JSON document, texts rendered; `undefined` fields are left out. */
  printJson(value: unknown, compact?: boolean): void;
  close(): void;
}

export interface SessionWish extends DaemonWish {
  readonly json: boolean;
  readonly wide: boolean;
}

export function createSession(
  io: CliIo,
  speech: { readonly say: Translate; readonly locale: Locale },
  wish: SessionWish,
  version: string,
): Session {
  const { say, locale } = speech;
  const style = createStyle(io);
  let client: Promise<ControlClient> | undefined;
  const line = (text = ''): void => io.out(`${text}\n`);
  return {
    io,
    say,
    inWords: (text) => (text === undefined ? '' : renderText(text, say, io.clock.nowMs())),
    locale,
    words: createWords(say, locale),
    style,
    json: wish.json,
    wide: wish.wide,
    version,
    connect() {
      client ??= (async () => connectControl(locateDaemon(wish, io.environment), { version }))();
      return client;
    },
    line,
    paragraph(text, indent = '', first = indent) {
      const width = Math.max(40, Math.min(io.columns, 120) - indent.length);
      wrap(harmless(text), width).forEach((part, index) =>
        line(`${index === 0 ? first : indent}${part}`),
      );
    },
    table(rows, columns) {
      const layout = { columns: io.columns, wide: wish.wide, style };
      for (const text of renderTable(rows, columns, layout)) line(text);
    },
    printJson(value, compact = false) {
      const plain = plainJson(value, say, io.clock.nowMs());
      line(compact ? JSON.stringify(plain) : JSON.stringify(plain, undefined, 2));
    },
    close() {
      client?.then(
        (connected) => connected.close(),
        // Whoever awaited it has seen the failure.
        () => undefined,
      );
    },
  };
}

/** Replaces every text by key with the text itself. */
function plainJson(value: unknown, say: Translate, nowMs: number): unknown {
  if (Array.isArray(value)) return value.map((item) => plainJson(item, say, nowMs));
  if (typeof value !== 'object' || value === null) return value;
  if (isText(value)) return renderText(value, say, nowMs);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, plainJson(item, say, nowMs)]),
  );
}

function isText(value: object): value is Text {
  return 'key' in value && 'arguments' in value && Array.isArray(value.arguments);
}
