// Its definition says something that cannot be.
import { animal } from './herd.ts';

export const driver = { ...animal('wrong'), kind: 'Two Words' };
