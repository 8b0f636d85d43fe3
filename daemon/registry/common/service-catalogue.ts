// What services of ours are to hold, by id, for registries that keep a service only as long as it has
// instances, and only what they carry of it.

import type { Service } from '../../model/service.ts';
import { contentIn, contentTextOf, type ServiceContent } from './service-content.ts';

export interface ServiceCatalogue {
  /** Made or changed in this process, and not given up. */
  get(serviceId: string): ServiceContent | undefined;
  set(serviceId: string, content: ServiceContent): void;
  forget(serviceId: string): void;
  /** The text that copies of the service carry; `undefined` under a native service. */
  contentTextOf(serviceId: string): string | undefined;
}

/** Gives a catalogue; what it was not told is as the registry has it, by `view`. */
export function createServiceCatalogue(view: {
  service(serviceId: string): Service | undefined;
}): ServiceCatalogue {
  const wanted = new Map<string, { readonly content: ServiceContent; readonly text: string }>();
  return {
    get: (serviceId) => wanted.get(serviceId)?.content,
    set: (serviceId, content) =>
      void wanted.set(serviceId, { content, text: contentTextOf(content) }),
    forget: (serviceId) => void wanted.delete(serviceId),
    contentTextOf(serviceId) {
      const known = wanted.get(serviceId);
      if (known !== undefined) return known.text;
      const service = view.service(serviceId);
      if (service === undefined) return undefined;
      const content = contentIn(service);
      return content.from === undefined ? undefined : contentTextOf(content);
    },
  };
}
