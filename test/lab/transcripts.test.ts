// The lab answers every recorded exchange as the real ServiceCenter 1.4.8 did.

import { describe, expect, it } from 'vitest';
import { replay } from './replay/replay.ts';
import { labTarget } from './replay/target.ts';
import { comparisonsIn, scenarios, type Scenario } from './replay/transcript.ts';

/** The words of the real server's JSON reader are its own; status and code are compared. */
const ownWords = 'invalid character';

describe('the lab answers as ServiceCenter 1.4.8 did', () => {
  it.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
    '$name',
    async ({ scenario }) => {
      const target = await labTarget(scenario);
      try {
        const compared = await replay(scenario, target, {
          compareDetail: (detail) => !detail.startsWith(ownWords),
        });
        expect(compared).toBe(comparisonsIn(scenario));
      } finally {
        await target.close();
      }
    },
  );
});

describe('the replay itself', () => {
  const answerOf = (edit: (text: string) => string): Scenario => {
    const scenario = scenarios.find(({ name }) => name === 'find_rev_304');
    return JSON.parse(edit(JSON.stringify(scenario))) as Scenario;
  };
  const outcome = async (scenario: Scenario): Promise<string> => {
    const target = await labTarget(scenario);
    try {
      await replay(scenario, target, { compareDetail: () => true });
      return 'all equal';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await target.close();
    }
  };

  it('finds a differing status, field, missing field, header and revision', async () => {
    expect(await outcome(answerOf((text) => text))).toBe('all equal');
    const edits: ((text: string) => string)[] = [
      (text) => text.replace('"status":304', '"status":200'),
      (text) => text.replace('"hostName":"h1","status":"UP"', '"hostName":"h2","status":"UP"'),
      (text) => text.replace('"status":"DOWN","properties":{"a":"1"}', '"status":"DOWN"'),
      (text) => text.replace('text/plain; charset=UTF-8', 'text/plain'),
      (text) => text.replaceAll('{{findRev:3}}', '{{findRev:2}}'),
    ];
    for (const edit of edits) expect(await outcome(answerOf(edit))).not.toBe('all equal');
  });

  it('replays every scenario and each of its steps', () => {
    // Nothing is left out: a step of a kind that the replay does not know would throw.
    expect(scenarios).toHaveLength(68);
    const total = scenarios.reduce((sum, scenario) => sum + comparisonsIn(scenario), 0);
    expect(total).toBeGreaterThan(600);
    const words = JSON.stringify(scenarios).match(/"detail":"invalid character/g) ?? [];
    expect(words, 'answers whose detail is not compared, only status and code').toHaveLength(1);
  });
});
