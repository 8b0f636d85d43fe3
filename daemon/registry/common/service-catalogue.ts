// What services of ours are to hold, by id, for registries that keep a service only as long as it has
// instances, and only what they carry of it.

import type { Service } from '../../model/service.ts';
import { contentIn, contentTextOf, type ServiceContent } from './service-content.ts';

export interface ServiceCatalogue {
  /** Made or changed in this process, and not given up. */
  get(serviceId: string): ServiceContent | undefined;
  set(serviceId: string, content: ServiceContent): void;
  forget(serviceId: string): void;
  /** What copies of the service are to carry; `undefined` under a native service. */
  contentOf(serviceId: string): ServiceContent | undefined;
  /** The text that copies of the service carry; `undefined` under a native service. */
  contentTextOf(serviceId: string): string | undefined;
}

/** Gives a catalogue; what it was not told is as the registry has it, by `view`. */
export function createServiceCatalogue(view: {
  service(serviceId: string): Service | undefined;
}): ServiceCatalogue {
  const wanted = new Map<string, { readonly content: ServiceContent; readonly text: string }>();
  const asSeen = (serviceId: string): ServiceContent | undefined => {
    const service = view.service(serviceId);
    const content = service === undefined ? undefined : contentIn(service);
    return content?.from === undefined ? undefined : content;
  };
  return {
    get: (serviceId) => wanted.get(serviceId)?.content,
    set: (serviceId, content) =>
      void wanted.set(serviceId, { content, text: contentTextOf(content) }),
    forget: (serviceId) => void wanted.delete(serviceId),
    contentOf: (serviceId) => wanted.get(serviceId)?.content ?? asSeen(serviceId),
    contentTextOf(serviceId) {
      const known = wanted.get(serviceId);
      if (known !== undefined) return known.text;
      const content = asSeen(serviceId);
      return content === undefined ? undefined : contentTextOf(content);
    },
  };
}
