// Its writes never come to an end.
import { animal } from './herd.ts';

export const driver = animal('mute', () => ({ putInstance: () => new Promise(() => undefined) }));
