import { describe, expect, it } from 'vitest';
import {
  asSyncerError,
  describeError,
  errorTable,
  exitCodes,
  isErrorCode,
  SyncerError,
} from './errors.ts';
import { createTranslator, pickLocale } from './translate.ts';

describe('the error table', () => {
  it('gives the exit code of an entry and its English message', () => {
    const error = new SyncerError('data-dir.held', { directory: '/d', pid: '7', since: 'noon' });
    expect(error.exitCode).toBe(exitCodes.temporary);
    expect(error.message).toBe('The data directory /d is in use by process 7, started noon.');
  });

  it('describes an error in the language of the reader', () => {
    const error = new SyncerError('join.rpc-port', { address: '10.0.0.10:30191' });
    const chinese = describeError(error, createTranslator('zh-CN'));
    expect(chinese.text).toContain('10.0.0.10:30191 是某个 syncer 的 RPC 端口');
    expect(chinese.remedy).toContain('--bind-addr');
  });

  it('keeps the cause, and calls everything else a bug of ours', () => {
    const cause = new Error('no such thing');
    const wrapped = asSyncerError(cause);
    expect(wrapped.code).toBe('internal.bug');
    expect(wrapped.cause).toBe(cause);
    expect(asSyncerError(wrapped)).toBe(wrapped);
    expect(asSyncerError('text').message).toContain('text');
  });

  it('knows its codes, and only its own', () => {
    expect(isErrorCode('join.key')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(new Set(Object.values(errorTable).map((entry) => entry.exit)).has('config')).toBe(true);
  });
});

describe('the translator', () => {
  const say = createTranslator('en');

  it('offers the nearest key where there is one', () => {
    expect(say('errors.config.unknown-key.remedy', { nearest: 'scAddr' })).toBe(
      'Did you mean scAddr?',
    );
    expect(say('errors.config.unknown-key.remedy', { nearest: 'none' })).toContain('README');
  });

  it('keeps braces, tags and quotes of a value as they are', () => {
    expect(say('errors.internal.bug.text', { detail: `<b>{x}'s</b>` })).toContain(`<b>{x}'s</b>`);
  });

  it('shows the raw text rather than throwing when a parameter is missing', () => {
    expect(say('errors.internal.bug.text')).toContain('{detail}');
  });

  it('picks the language by flag, SYNCER_LANG, LC_ALL, LC_MESSAGES, LANG', () => {
    expect(pickLocale(undefined, {})).toBe('en');
    expect(pickLocale(undefined, { LANG: 'zh_CN.UTF-8' })).toBe('zh-CN');
    expect(pickLocale(undefined, { LANG: 'zh_CN.UTF-8', LC_ALL: 'C' })).toBe('en');
    expect(pickLocale(undefined, { SYNCER_LANG: 'zh-CN', LC_ALL: 'C' })).toBe('zh-CN');
    expect(pickLocale('en', { SYNCER_LANG: 'zh' })).toBe('en');
    expect(pickLocale(undefined, { LANG: 'zha_XX' })).toBe('en');
  });
});
