// A write ends the process.
import { animal } from './herd.ts';

export const driver = animal('exits', () => ({
  putInstance() {
    process.exit(7);
  },
}));
