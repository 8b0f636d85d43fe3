// Nothing is wrong with it.
import { animal } from './herd.ts';

export const driver = animal('behaves');
