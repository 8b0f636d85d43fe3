// What a service holds beside its identity, written on each of its copies, for registries that have no
// place of their own for it. Small, because every client of such a registry reads it with each instance.

import { z } from 'zod';
import type { Service, ServiceKey, StringMap } from '../../model/service.ts';
import { readServiceStamp, stampService, withoutStamp } from '../../model/stamp.ts';

/** A service of ours as it was found or is wanted. */
export interface ServiceContent {
  /** The cluster that it was made from; `undefined`: it carries no stamp. */
  readonly from: string | undefined;
  /** Without the stamp. */
  readonly service: Service;
}

/**
 * Longest text, in bytes. What does not fit is left out in this order: schema texts, schemas and
 * paths, everything but the origin. Raising it keeps more and makes each copy larger for all clients.
 */
const longestContent = 2_048;

const map = z.record(z.string(), z.string());
const shape = z.object({
  from: z.string().optional(),
  alias: z.string().prefault(''),
  description: z.string().prefault(''),
  level: z.string().prefault('BACK'),
  status: z.string().prefault('UP'),
  registerBy: z.string().prefault(''),
  framework: z.object({ name: z.string(), version: z.string() }).optional(),
  properties: map.prefault({}),
  tags: map.prefault({}),
  schemas: z
    .array(z.object({ id: z.string(), summary: z.string(), text: z.string().optional() }))
    .prefault([]),
  paths: z.array(z.object({ path: z.string(), property: map })).prefault([]),
});
type Content = z.output<typeof shape>;
const nothingSaid: Content = shape.parse({});

/** Gives the text that copies of the service carry; `longest` where a registry has less room. */
export function contentTextOf(content: ServiceContent, longest = longestContent): string {
  const full = contentOf(content);
  const { from } = full;
  const withoutTexts = full.schemas.map(({ id, summary }) => ({ id, summary }));
  const tries: readonly Content[] = [
    full,
    { ...full, schemas: withoutTexts },
    { ...full, schemas: [], paths: [] },
  ];
  for (const each of tries) {
    const text = written(each);
    if (Buffer.byteLength(text) <= longest) return text;
  }
  return written({ ...nothingSaid, from });
}

/**
 * Gives the service of this key and id with the content in `text` (of one of its instances). `origin`:
 * the cluster that this instance is a copy from; without one the service is native, whatever it says.
 */
export function serviceFrom(
  key: ServiceKey,
  serviceId: string,
  text: string | undefined,
  origin: string | undefined,
): Service {
  const { from: said, properties, framework, schemas, ...rest } = parsed(text);
  const from = origin === undefined ? undefined : (said ?? origin);
  return {
    ...key,
    serviceId,
    ...rest,
    framework,
    properties: from === undefined ? properties : stampService(properties, from),
    schemas: schemas.map(({ id, summary, text: schema }) => ({ id, summary, text: schema })),
  };
}

/** Gives what a service as the view holds it says. */
export function contentIn(service: Service): ServiceContent {
  return {
    from: readServiceStamp(service.properties),
    service: { ...service, properties: withoutStamp(service.properties) },
  };
}

function contentOf({ from, service }: ServiceContent): Content {
  const { alias, description, level, status, registerBy, framework, properties, tags } = service;
  return {
    from,
    alias,
    description,
    level,
    status,
    registerBy,
    framework,
    properties: { ...properties },
    tags: { ...tags },
    schemas: service.schemas.map(({ id, summary, text }) =>
      text === undefined ? { id, summary } : { id, summary, text },
    ),
    paths: service.paths.map(({ path, property }) => ({ path, property: { ...property } })),
  };
}

/** Only what differs from nothing said; keys of maps in order, so that equal content is equal text. */
function written(content: Content): string {
  const usual: Readonly<Record<string, unknown>> = nothingSaid;
  const entries = Object.entries(content).filter(
    ([key, value]) => value !== undefined && json(value) !== json(usual[key]),
  );
  return json(Object.fromEntries(entries));
}

function json(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each as StringMap).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function parsed(text: string | undefined): Content {
  if (text === undefined) return nothingSaid;
  try {
    const read = shape.safeParse(JSON.parse(text));
    return read.success ? read.data : nothingSaid;
  } catch {
    // Written by somebody else: the service has no content that we could tell.
    return nothingSaid;
  }
}
