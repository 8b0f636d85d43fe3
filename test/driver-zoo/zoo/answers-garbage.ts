// Its answers have the wrong shape, or are about something else than was asked.
import { animal, herd } from './herd.ts';

const stranger = { domain: 'default', project: 'default', serviceId: 'herd', instanceId: 'nobody' };

export const driver = animal('nonsense', () => ({
  putInstance: async () => 'fine' as never,
  renew: async () => ({ ok: true, value: { missing: [stranger] } }),
  readInstance: async () => ({ ok: true, value: herd.instances[0] }),
}));
