// The recorded exchanges against a real ServiceCenter: what the lab is measured by must itself hold.

import { describe, expect, it } from 'vitest';
import { replay } from '../lab/replay/replay.ts';
import { realTarget } from '../lab/replay/target.ts';
import { scenarios } from '../lab/replay/transcript.ts';
import { serviceCenterBinary } from '../support/servicecenter.ts';

const missing = 'missing' in serviceCenterBinary ? serviceCenterBinary.missing : undefined;
const title = 'a real ServiceCenter answers as recorded';

describe.skipIf(missing !== undefined)(
  missing === undefined ? title : `${title} (skipped: ${missing})`,
  () => {
    it.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
      '$name',
      async ({ scenario }) => {
        const target = await realTarget(scenario);
        try {
          expect(await replay(scenario, target, { compareDetail: () => true })).toBeGreaterThan(0);
        } finally {
          await target.close();
        }
      },
    );
  },
);
