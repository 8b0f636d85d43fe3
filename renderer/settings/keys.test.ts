import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText, kindOf, sectionOf, toText } from './keys.ts';

const kind = (key: string, value: unknown) => kindOf({ key, valueJson: JSON.stringify(value) });

describe('a key of the configuration as a field', () => {
  it.each([
    ['mode', 'single', 'choice'],
    ['registry.tls.verify', true, 'boolean'],
    ['guard.share', 0.2, 'number'],
    ['gossip.join', [], 'list'],
    ['rules.import', [], 'structure'],
    ['gossip.keys', '(hidden)', 'secrets'],
    ['registry.credentials.password', null, 'secret'],
    ['registry.tls.ca', null, 'text'],
  ])('%s is edited as its value asks for', (key, value, expected) => {
    expect(kind(key, value).kind).toBe(expected);
  });

  it('stands in the section that its name says, and else in the last', () => {
    expect(sectionOf('registry.tls.ca')).toBe('registry');
    expect(sectionOf('gossip.keys')).toBe('security');
    expect(sectionOf('gossip.bind')).toBe('pool');
    expect(sectionOf('metrics.bind')).toBe('advanced');
  });

  it('shows a value so that reading it back gives the same', () => {
    const word = fc.stringMatching(/^[a-z0-9.:/-]{1,20}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.constant('registry.kind'), word),
          fc.tuple(fc.constant('gossip.join'), fc.array(word)),
          fc.tuple(fc.constant('guard.count'), fc.integer()),
          fc.tuple(fc.constant('log.file'), fc.boolean()),
          fc.tuple(fc.constant('rules.import'), fc.array(fc.dictionary(word, word))),
        ),
        ([key, value]) => {
          const of = kind(key, value);
          const meaning = fromText(of, toText(of, JSON.stringify(value)));
          expect(meaning).toEqual({ valueJson: JSON.stringify(value) });
        },
      ),
    );
  });

  it('never shows a secret, and takes an emptied text as the default', () => {
    expect(toText({ kind: 'secret' }, '"(hidden)"')).toBe('');
    expect(fromText({ kind: 'text' }, '  ')).toEqual({ valueJson: undefined });
    expect(fromText({ kind: 'structure' }, '[{')).toEqual({ unreadable: true });
    expect(fromText({ kind: 'number' }, 'many')).toEqual({ unreadable: true });
  });
});
