import { describe, expect, it } from 'vitest';
import { defineDriver, type DriverDescription } from '../registry/plugin/definition.ts';
import type { RawValue } from './layers.ts';
import { readDriverOptions } from './driver-options.ts';
import type { ValueSource } from './problems.ts';

const { create: _create, ...description } = defineDriver({
  api: 1,
  kind: 'file',
  title: { en: 'File' },
  options: {
    path: { type: 'text', required: true, about: { en: 'Where the file is', 'zh-CN': '文件位置' } },
    form: { type: 'text', words: ['yaml', 'json'], default: 'yaml', about: { en: 'Its form' } },
    everyMs: { type: 'number', minimum: 10, maximum: 1_000, about: { en: 'How often' } },
    token: { type: 'text', secret: true, about: { en: 'A secret' } },
    strict: { type: 'boolean', about: { en: 'Strictly' } },
    hosts: { type: 'list', about: { en: 'Hosts' } },
  },
  create: () => {
    throw new Error('never made here');
  },
});

const flag: ValueSource = { kind: 'flag', name: 'sc-plugin' };

function read(options: unknown, said: DriverDescription = description) {
  const values = new Map<string, RawValue>([
    ['registry.kind', { value: './file.ts', source: flag, sourceOf: () => flag }],
    [
      'registry.options',
      {
        value: options,
        source: { kind: 'file', file: 'syncer.yaml', line: 3 },
        sourceOf: ([name]) => ({
          kind: 'file',
          file: 'syncer.yaml',
          line: 3 + String(name).length,
        }),
      },
    ],
  ]);
  const location = { wanted: './file.ts', url: 'file:///file.ts' };
  return readDriverOptions(values, () => ({ kind: 'plugin', location, description: said }));
}

describe('options of a driver', () => {
  it('are keys like any other: value, source, meaning; defaults and secrets included', () => {
    const { problems, entries } = read({ path: '/etc/sites.yaml', token: 'hunter2' });
    expect(problems).toEqual([]);
    expect(entries?.map(({ key, value, source }) => [key, value, source.kind])).toEqual([
      ['registry.options.path', '/etc/sites.yaml', 'file'],
      ['registry.options.form', 'yaml', 'default'],
      ['registry.options.everyMs', undefined, 'default'],
      ['registry.options.token', '<redacted>', 'file'],
      ['registry.options.strict', undefined, 'default'],
      ['registry.options.hosts', undefined, 'default'],
    ]);
    expect(entries?.[0]?.about).toEqual({ en: 'Where the file is', 'zh-CN': '文件位置' });
  });

  it.each([
    [{}, 'config.missing-value', 'registry.options.path', undefined],
    [{ path: 'a', from: 'yaml' }, 'config.unknown-key', 'registry.options.from', undefined],
    [{ path: 'a', form: 'jason' }, 'config.wrong-value', 'registry.options.form', 'one-of'],
    [{ path: 'a', everyMs: 5 }, 'config.wrong-value', 'registry.options.everyMs', 'at-least'],
    [{ path: 'a', everyMs: 5_000 }, 'config.wrong-value', 'registry.options.everyMs', 'at-most'],
    [{ path: 7 }, 'config.wrong-value', 'registry.options.path', 'text'],
    [{ path: 'a', strict: 'yes' }, 'config.wrong-value', 'registry.options.strict', 'boolean'],
    [{ path: 'a', hosts: 'b' }, 'config.wrong-value', 'registry.options.hosts', 'list'],
    [{ path: 'a', everyMs: 'often' }, 'config.wrong-value', 'registry.options.everyMs', 'number'],
  ])('%j is refused', (options, code, key, expects) => {
    const [problem, ...others] = read(options).problems;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code, parameters: { key } });
    expect(problem?.parameters.source).toMatch(/^syncer\.yaml:\d+$/);
    if (expects !== undefined) expect(problem?.expects?.key).toBe(`config.expects.${expects}`);
  });

  it('names the nearest word and the nearest option', () => {
    expect(read({ path: 'a', from: 'yaml' }).problems[0]?.parameters.nearest).toBe(
      'registry.options.form',
    );
    expect(read({ path: 'a', form: 'jsno' }).problems[0]?.parameters.nearest).toBe('json');
  });

  it('never shows a secret, not even a wrong one', () => {
    const [problem] = read({ path: 'a', token: 5 }).problems;
    expect(problem?.parameters.value).toBe('<redacted>');
  });

  it('says why a driver cannot be used, and what there is', () => {
    const values = new Map<string, RawValue>([
      ['registry.kind', { value: 'eurika', source: flag, sourceOf: () => flag }],
    ]);
    const { problems, entries } = readDriverOptions(values);
    expect(entries).toBeUndefined();
    expect(problems[0]).toMatchObject({ code: 'registry.plugin-broken' });
    expect(problems[0]?.parameters.reason).toMatch(/the nearest is 'eureka'/);
  });
});
