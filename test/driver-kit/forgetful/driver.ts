// A driver that breaks one promise: it says that it has removed a copy, and does not.

import { defineDriver, done } from '@servicecenter-syncer/driver-kit';
import { driver as template } from '../../../driver-kit/template/driver.ts';

export const driver = defineDriver({
  ...template,
  kind: 'forgetful',
  create: (options, environment) => ({
    ...template.create(options, environment),
    removeInstance: async () => done,
  }),
});
