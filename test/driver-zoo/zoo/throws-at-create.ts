// Throws when it is made.
import { animal } from './herd.ts';

export const driver = {
  ...animal('unmade'),
  create() {
    throw new Error('cannot be made today');
  },
};
