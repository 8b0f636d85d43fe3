// Every write throws.
import { animal } from './herd.ts';

export const driver = animal('throws', () => ({
  putInstance() {
    throw new Error('a bug in put');
  },
}));
