// Throws where nobody catches it.
import { animal } from './herd.ts';

export const driver = animal('crashes', () => ({
  async putInstance() {
    setImmediate(() => {
      throw new Error('thrown into the void');
    });
    return new Promise(() => undefined);
  },
}));
