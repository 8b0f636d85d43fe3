// Written for a driver API that does not exist yet.
import { animal } from './herd.ts';

export const driver = { ...animal('other'), api: 99, somethingNew: true };
