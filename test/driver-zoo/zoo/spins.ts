// A write that turns for ever: its thread does nothing else any more.
import { animal } from './herd.ts';

export const driver = animal('spins', () => ({
  putInstance() {
    for (;;);
  },
}));
