// The live picture of the demo, as lines of text.

import type { Translate } from '../../../proto/translate.ts';
import type { Style } from '../style.ts';
import { pad } from '../width.ts';
import type { StepResult } from './steps.ts';

export interface PictureSite {
  readonly cluster: string;
  readonly url: string;
  readonly native: number;
}

/** Lines of the last steps that are shown. */
const shownSteps = 12;

/** Gives the picture: two sites, the delay of each direction, the last steps. */
export function demoPicture(
  sites: readonly [PictureSite, PictureSite],
  steps: readonly StepResult[],
  say: Translate,
  style: Style,
): readonly string[] {
  const [left, right] = sites;
  const column = 38;
  const row = (a: string, b: string): string => `  ${pad(a, column, 'left')}${b}`;
  return [
    style.paint(say('cli.demo.title'), 'strong'),
    '',
    style.paint(row(left.cluster, right.cluster), 'strong'),
    row(left.url, right.url),
    row(
      say('cli.demo.native', { count: left.native }),
      say('cli.demo.native', { count: right.native }),
    ),
    row(
      directionText(right.cluster, left.cluster, steps, say),
      directionText(left.cluster, right.cluster, steps, say),
    ),
    '',
    ...steps.slice(-shownSteps).map((step) => `  ${stepText(step, say)}`),
    '',
    style.paint(say('cli.demo.ends'), 'quiet'),
  ];
}

/** Gives one step as a sentence. */
export function stepText(step: StepResult, say: Translate): string {
  const time = new Date(step.timeMs).toTimeString().slice(0, 8);
  const what = say(`cli.demo.${step.kind}`, { instance: step.instance, from: step.from });
  const result =
    step.delayMs === undefined
      ? say('cli.demo.never', { to: step.to })
      : say('cli.demo.readable', { to: step.to, ms: Math.round(step.delayMs) });
  return `${time}  ${what} ${result}`;
}

/** Gives the median of the measured delays, or `undefined` without any. */
export function median(delays: readonly (number | undefined)[]): number | undefined {
  const measured = delays.filter((delay) => delay !== undefined).sort((a, b) => a - b);
  return measured[Math.floor(measured.length / 2)];
}

function directionText(
  from: string,
  to: string,
  steps: readonly StepResult[],
  say: Translate,
): string {
  const delays = steps.filter((step) => step.from === from).map(({ delayMs }) => delayMs);
  const ms = median(delays);
  return ms === undefined
    ? say('cli.demo.unmeasured', { from, to })
    : say('cli.demo.measured', { from, to, ms: Math.round(ms) });
}
