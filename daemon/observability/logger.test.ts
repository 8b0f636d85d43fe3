import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogRing } from './log-ring.ts';
import type { LogEntry } from './log-ring.ts';
import { createLogger } from './logger.ts';
import type { LogSettings } from './logger.ts';
import { lineRedactor } from './redact.ts';
import { RotatingFile } from './rotating-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'syncer-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function logTo(settings: Partial<LogSettings>): {
  readonly lines: string[];
  readonly ring: LogRing;
} & {
  readonly logger: ReturnType<typeof createLogger>;
} {
  const lines: string[] = [];
  const ring = new LogRing();
  const output = { isTTY: false, write: (text: string) => lines.push(text) };
  const logger = createLogger({
    ...{ level: 'info', format: 'auto', output, ring, secrets: [] },
    ...settings,
  });
  return { lines, ring, logger };
}

describe('the log', () => {
  it('is JSON where nobody reads it, with the part of a child', () => {
    const { lines, logger } = logTo({});
    logger.child({ part: 'gossip' }).warn({ member: 'b' }, 'a member is gone');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      ...{ level: 'warn', part: 'gossip', member: 'b', msg: 'a member is gone' },
    });
  });

  it('is readable on a terminal', () => {
    const lines: string[] = [];
    const output = { isTTY: true, write: (text: string) => lines.push(text) };
    logTo({ output }).logger.child({ part: 'sync' }).info({ copies: 3 }, 'written');
    // Colours aside, which are SGR sequences.
    // eslint-disable-next-line no-control-regex
    expect(lines[0]?.replaceAll(/\u001b\[\d+m/g, '')).toMatch(/INFO: sync: written \{"copies":3\}/);
  });

  it('leaves out what is below its level', () => {
    const { lines, ring, logger } = logTo({ level: 'warn' });
    logger.info({}, 'no');
    logger.error({}, 'yes');
    expect(lines).toHaveLength(1);
    expect(ring.recent().map(({ message }) => message)).toEqual(['yes']);
  });

  it('keeps secrets out of the output, the ring and the file', () => {
    const file = path.join(directory, 'syncer.log');
    const secret = 'p"ss\\w0rd';
    const { lines, ring, logger } = logTo({
      secrets: [secret],
      file: new RotatingFile({ file, maxBytes: 1e6, kept: 2 }),
    });
    logger.info({ nested: { url: `http://root:${secret}@sc:30100/` }, text: secret }, secret);
    logger.info({ password: 'hunter2' }, 'Authorization: Bearer abcdef.ghi');
    const all = [...lines, JSON.stringify(ring.recent()), readFileSync(file, 'utf8')].join('\n');
    for (const hidden of ['w0rd', 'hunter2', 'abcdef']) expect(all).not.toContain(hidden);
    expect(all).toContain('<redacted>');
    expect(ring.recent()).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('redaction', () => {
  it('takes an account out of an address and leaves an e-mail alone', () => {
    const redact = lineRedactor([]);
    expect(redact('"http://a:b@c/d"')).toBe('"http://<redacted>@c/d"');
    expect(redact('"mail a@b.example"')).toBe('"mail a@b.example"');
  });
});

describe('the ring', () => {
  const entry = (level: LogEntry['level'], message: string): LogEntry => ({
    ...{ timeMs: 0, level, part: '', message, fields: {} },
  });

  it('keeps errors through a flood of others, in order', () => {
    const ring = new LogRing(3);
    ring.push(entry('error', 'first'));
    for (let number = 0; number < 100; number += 1) ring.push(entry('info', String(number)));
    ring.push(entry('error', 'last'));
    expect(ring.recent().map(({ message }) => message)).toEqual([
      'first',
      '97',
      '98',
      '99',
      'last',
    ]);
  });

  it('tells listeners until they stop', () => {
    const ring = new LogRing();
    const heard: string[] = [];
    const stop = ring.onLine(({ message }) => heard.push(message));
    ring.push(entry('info', 'one'));
    stop();
    ring.push(entry('info', 'two'));
    expect(heard).toEqual(['one']);
  });
});

describe('a log file', () => {
  it('is bounded in size and number', () => {
    const file = path.join(directory, 'a.log');
    const log = new RotatingFile({ file, maxBytes: 100, kept: 3 });
    for (let number = 0; number < 100; number += 1) log.write(`line ${number} of many\n`);
    expect(readdirSync(directory).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
    for (const name of readdirSync(directory)) {
      expect(statSync(path.join(directory, name)).size).toBeLessThanOrEqual(100);
    }
    expect(readFileSync(file, 'utf8')).toContain('line 99');
    expect(log.dropped).toBe(0);
  });

  it('that cannot be written drops lines, counts them, and stops nothing', () => {
    const log = new RotatingFile({
      file: path.join(directory, 'no', 'a.log'),
      maxBytes: 9,
      kept: 1,
    });
    log.write('lost\n');
    expect(log.dropped).toBe(1);
  });
});
