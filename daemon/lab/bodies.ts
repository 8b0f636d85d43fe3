// The shapes of request bodies. Unknown fields are dropped, null counts as missing, a wrong type is
// refused, as by the JSON reader of a real server.

import { z } from 'zod';
import { invalid } from './errors.ts';

const text = z.string().nullish();
const whole = z.int().nullish();
const texts = z.array(z.string()).nullish();
const textMap = z.record(z.string(), z.string()).nullish();

/** `paths` come as `Path`/`Property` from older clients (§4). */
const path = z.preprocess(
  (value) => {
    if (typeof value !== 'object' || value === null) return value;
    const { Path, Property, ...rest } = value as Record<string, unknown>;
    return { path: Path, property: Property, ...rest };
  },
  z.object({ path: text, property: textMap }),
);

const service = z.object({
  serviceId: text,
  appId: text,
  serviceName: text,
  version: text,
  description: text,
  level: text,
  schemas: texts,
  paths: z.array(path).nullish(),
  status: text,
  properties: textMap,
  alias: text,
  environment: text,
  registerBy: text,
  framework: z.object({ name: text, version: text }).nullish(),
});
export type ServiceBody = z.infer<typeof service>;

const instance = z.object({
  instanceId: text,
  endpoints: texts,
  hostName: text,
  status: text,
  properties: textMap,
  healthCheck: z
    .object({ mode: text, port: whole, interval: whole, times: whole, url: text })
    .nullish(),
  dataCenterInfo: z.object({ name: text, region: text, availableZone: text }).nullish(),
});
export type InstanceBody = z.infer<typeof instance>;

const schema = z.object({ schemaId: text, summary: text, schema: text });
export type SchemaBody = z.infer<typeof schema>;

const key = z.object({ environment: text, appId: text, serviceName: text, version: text });
export type KeyBody = z.infer<typeof key>;

const pair = z.object({ serviceId: text, instanceId: text });

export const createServiceBody = z.object({
  service: service.nullish(),
  tags: textMap,
  instances: z.array(instance).nullish(),
});
export const deleteServicesBody = z.object({ serviceIds: texts, force: z.boolean().nullish() });
export const propertiesBody = z.object({ properties: textMap });
export const tagsBody = z.object({ tags: textMap });
export const schemaBody = schema;
export const schemasBody = z.object({ schemas: z.array(schema).nullish() });
export const registerInstanceBody = z.object({ instance: instance.nullish() });
export const heartbeatsBody = z.object({ instances: z.array(pair).nullish() });
export const batchFindBody = z.object({
  services: z.array(z.object({ service: key.nullish(), rev: text })).nullish(),
  instances: z.array(z.object({ instance: pair.nullish(), rev: text })).nullish(),
});
export type BatchFindBody = z.infer<typeof batchFindBody>;
export const dependenciesBody = z.object({
  dependencies: z
    .array(z.object({ consumer: key.nullish(), providers: z.array(key).nullish() }))
    .nullish(),
});
export type DependencyBody = NonNullable<z.infer<typeof dependenciesBody>['dependencies']>[number];

/**
 * Reads a body. Throws 400001, with the JSON reader's own words if `detail` is missing.
 */
export function readBody<T extends z.ZodType>(body: string, shape: T, detail?: string): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    const words = body === '' ? 'unexpected end of JSON input' : (error as Error).message;
    throw invalid(detail ?? words);
  }
  const read = shape.safeParse(value ?? {});
  if (!read.success) throw invalid(detail ?? z.prettifyError(read.error).slice(0, 500));
  return read.data;
}
