import { expect, it } from 'vitest';
import { renderText } from '../../proto/health.ts';
import { createTranslator } from '../../proto/translate.ts';
import { because, readReason, verbatim, writeReason } from './reason.ts';

it('is put into words in the language of the reader', () => {
  const reason = because('tombstone', { revision: 812 });
  expect(renderText(reason, createTranslator('en'), 0)).toBe('tombstone at revision 812');
  expect(renderText(reason, createTranslator('zh-CN'), 0)).toContain('812');
  expect(renderText(reason, createTranslator('zh-CN'), 0)).not.toContain('tombstone');
});

it('reads back what it wrote', () => {
  const reason = because('endpoint-of-cluster', { cluster: 'a {b}', endpoint: 'rest://1.2.3.4:5' });
  expect(readReason(writeReason(reason))).toEqual(reason);
});

it('keeps sentences of older entries, and what only looks like a reason, as they are', () => {
  for (const line of ['tombstone at revision 812', '', '{', '{"key":"x"}', 'null', '812', '"a"']) {
    expect(readReason(line)).toEqual(verbatim(line));
  }
});
