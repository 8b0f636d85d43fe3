// `syncer demo`: two registries and two syncers on this machine, and a live picture of what crosses.

import { systemClock, sleep } from '../../support/clock.ts';
import { systemRandom } from '../../support/random.ts';
import type { CommandSpec } from '../command.ts';
import { demoPicture, median, stepText } from '../demo/picture.ts';
import { createRegistryClient } from '../demo/registry-client.ts';
import { startDemoSite, type DemoSite } from '../demo/site.ts';
import { DemoApplications, type StepKind, type StepResult } from '../demo/steps.ts';
import type { Session } from '../session.ts';

/** What `--once` does: every kind of change, in both directions. */
const onceKinds: readonly StepKind[] = [
  ...Array.from({ length: 8 }, (): StepKind => 'register'),
  ...Array.from({ length: 4 }, (): StepKind => 'status'),
  ...Array.from({ length: 4 }, (): StepKind => 'properties'),
  ...Array.from({ length: 4 }, (): StepKind => 'remove'),
];

/** Between two steps of the endless form. */
const pauseMs = 700;
/** Steps that are kept for the picture and its medians. */
const stepsKept = 200;

export const demoCommand: CommandSpec = {
  name: 'demo',
  about: 'cli.about.demo',
  examples: ['syncer demo', 'syncer demo --once', 'syncer demo --once --json'],
  options: [{ flags: '--once', about: 'cli.option.demo-once' }],
  local: true,
  exits: ['failure'],
  async run(session, _args, options) {
    if (!session.json) session.line(session.say('cli.demo.starting'));
    const first = await startDemoSite('beijing', undefined);
    const sites: DemoSite[] = [first];
    try {
      const second = await startDemoSite('shanghai', first.gossip);
      sites.push(second);
      const ends = [first, second].map(({ cluster, url }) => ({
        cluster,
        client: createRegistryClient(url),
      }));
      const applications = new DemoApplications(
        ends as [(typeof ends)[0], (typeof ends)[0]],
        systemClock,
        systemRandom,
      );
      return options.once === true
        ? await once(session, applications)
        : await endless(session, applications, [first, second]);
    } finally {
      await Promise.all(sites.map((site) => site.close()));
    }
  },
};

/** Every kind of change, measured; the exit code says whether all of them crossed. */
async function once(session: Session, applications: DemoApplications): Promise<number> {
  const steps: StepResult[] = [];
  // The first one waits for the two syncers to find each other, and is no measure of a change.
  await applications.step('register', session.io.interrupt);
  for (const kind of onceKinds) {
    const step = await applications.step(kind, session.io.interrupt);
    steps.push(step);
    if (!session.json) session.line(stepText(step, session.say));
  }
  const crossed = steps.filter(({ delayMs }) => delayMs !== undefined).length;
  const medianMs = median(steps.map(({ delayMs }) => delayMs));
  const worstMs = Math.max(...steps.map(({ delayMs }) => delayMs ?? Number.POSITIVE_INFINITY));
  if (session.json) session.printJson({ steps, crossed, medianMs, worstMs });
  else {
    session.line();
    session.line(
      session.say('cli.demo.summary', {
        crossed,
        count: steps.length,
        median: Math.round(medianMs ?? 0),
        worst: Number.isFinite(worstMs) ? Math.round(worstMs) : '–',
      }),
    );
  }
  return crossed === steps.length ? 0 : 1;
}

/** Until Ctrl-C: a picture on a terminal, a line a step elsewhere. */
async function endless(
  session: Session,
  applications: DemoApplications,
  sites: readonly [DemoSite, DemoSite],
): Promise<number> {
  const { io, say, style } = session;
  const steps: StepResult[] = [];
  const show = (): void => {
    const [left, right] = sites.map(({ cluster, url }) => ({
      cluster,
      url,
      native: applications.running(cluster),
    }));
    if (left === undefined || right === undefined) return;
    // Home and clear to the end: no flicker, and what scrolled away stays.
    io.out(`\u001b[H\u001b[J${demoPicture([left, right], steps, say, style).join('\n')}\n`);
  };
  if (io.isTerminal) io.out('\u001b[2J');
  const ended = (): boolean => io.interrupt.aborted;
  while (!ended()) {
    try {
      const step = await applications.step(applications.nextKind(), io.interrupt);
      steps.push(step);
      if (steps.length > stepsKept) steps.shift();
      if (io.isTerminal) show();
      else session.line(stepText(step, say));
      await sleep(systemClock, pauseMs, io.interrupt);
    } catch (error) {
      if (!ended()) throw error;
    }
  }
  return 0;
}
