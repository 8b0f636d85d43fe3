// `syncer explain`: why is this instance or service here, or not?

import { exitCodes } from '../../../proto/errors.ts';
import type { CommandSpec } from '../command.ts';
import { printActivity } from './activity.ts';

export const explainCommand: CommandSpec = {
  name: 'explain',
  arguments: '<subject>',
  about: 'cli.about.explain',
  examples: ['syncer explain payments', 'syncer explain 7062417bf9ebd4c646bb23059003cea42180894a'],
  exits: ['notFound'],
  list: true,
  async run(session, [subject = '']) {
    const client = await session.connect();
    const explanation = await client.call('explain', { subject });
    const code = explanation.found === 'nothing' ? exitCodes.notFound : exitCodes.ok;
    if (session.json) {
      session.printJson(explanation);
      return code;
    }
    for (const sentence of explanation.verdict) session.paragraph(session.inWords(sentence));
    if (explanation.steps.length > 0) session.line();
    explanation.steps.forEach((step, index) => {
      const time = step.timeMs === undefined ? '' : `${session.words.time(step.timeMs)}  `;
      const number = `${index + 1}. `.padStart(5);
      session.paragraph(`${time}${session.inWords(step.text)}`, '     ', number);
    });
    if (explanation.history.length > 0) {
      session.line();
      session.line(session.say('cli.say.history'));
      printActivity(session, explanation.history);
    }
    return code;
  },
};
