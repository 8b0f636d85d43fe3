// The border: everything that comes from a driver's thread is checked here before anything believes it.
// A message that is wrong in one place is wrong as a whole.

import { z } from 'zod';
import type { Instance, Service } from '../../model/service.ts';
import type { RegistryCondition, RegistryFacts, WriteFailure } from '../driver.ts';
import { driverApi, type DriverDescription } from './definition.ts';

const longestText = 65_536;
const text = z.string().max(longestText);
const word = z.string().min(1).max(512);
const count = z.number().nonnegative();
const stringMap = z.record(z.string().max(4_096), text);

const serviceRef = { domain: word, project: word, serviceId: word };
const proof = z.enum(['tombstone', 'absence']);

/** What is `undefined` may also be left out: JSON leaves it out. */
const service = z.object({
  ...serviceRef,
  environment: text,
  app: text,
  name: word,
  version: text,
  alias: text,
  description: text,
  level: text,
  status: text,
  registerBy: text,
  framework: z.object({ name: text, version: text }).optional(),
  properties: stringMap,
  tags: stringMap,
  schemas: z
    .array(
      z.object({
        id: text,
        summary: text,
        text: z
          .string()
          .max(16 * 1024 * 1024)
          .optional(),
      }),
    )
    .max(10_000),
  paths: z.array(z.object({ path: text, property: stringMap })).max(10_000),
}) as unknown as z.ZodType<Service>;

const instance = z.object({
  serviceId: word,
  instanceId: word,
  endpoints: z.array(text).max(1_000),
  hostName: text,
  status: z.enum(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']),
  properties: stringMap,
  healthCheck: z
    .object({
      mode: z.enum(['push', 'pull']),
      port: count,
      interval: count,
      times: count,
      url: text,
    })
    .optional(),
  dataCenterInfo: z.object({ name: text, region: text, availableZone: text }).optional(),
  version: text,
}) as unknown as z.ZodType<Instance>;

const condition: z.ZodType<RegistryCondition> = z.union([
  z.object({ state: z.literal('answering') }),
  z.object({
    state: z.literal('unknown'),
    reason: z.enum([
      'starting',
      'unreachable',
      'refused-rights',
      'server-error',
      'bad-answer',
      'waiting-for-owners',
      'suspicious-loss',
      'differing-nodes',
      'driver-fault',
    ]),
    detail: text,
  }),
]);

const facts = z.object({
  kind: text,
  address: text,
  version: text,
  findings: stringMap,
  roundMs: count.optional(),
  intervalMs: count.optional(),
}) as unknown as z.ZodType<RegistryFacts>;

const failure: z.ZodType<WriteFailure> = z.union([
  z.object({
    code: z.enum(['unreachable', 'server-error', 'timeout', 'quota', 'rights', 'service-gone']),
    retry: z.literal(true),
    detail: text,
  }),
  z.object({
    code: z.enum(['too-large', 'invalid', 'conflict', 'not-ours', 'fenced']),
    retry: z.literal(false),
    detail: text,
  }),
]);

const ref = z.object({ ...serviceRef, instanceId: word });

/** What each call gives when it goes well. */
const resultShapes = {
  ensureService: z.object({ serviceId: word, created: z.boolean(), ours: z.boolean() }),
  updateService: z.undefined(),
  releaseService: z.undefined(),
  removeService: z.undefined(),
  putInstance: z.undefined(),
  removeInstance: z.undefined(),
  renew: z.object({ missing: z.array(ref) }),
  readInstance: instance.optional(),
} as const;

export type CallName = keyof typeof resultShapes;

/** Gives the shape of the result of one call. */
export function writeResultShape(call: CallName): z.ZodType {
  return z.union([
    z.object({ ok: z.literal(true), value: resultShapes[call] }),
    z.object({ ok: z.literal(false), failure }),
  ]);
}

/** Part of a change; a change is whole when its last frame was right. */
const frame = z.object({
  type: z.literal('frame'),
  /** Counts changes from 0; the first one is the whole view. */
  change: z.int().nonnegative(),
  last: z.boolean(),
  services: z.array(service),
  instances: z.array(instance),
  removedInstances: z.array(z.object({ ...serviceRef, instanceId: word, proof })),
  removedServices: z.array(z.object({ ...serviceRef, proof })),
  seenAtMs: count,
});

export type Frame = z.output<typeof frame>;

/** What the driver's thread may say. */
export const messageShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('made') }),
  z.object({ type: z.literal('not-made'), stage: word, message: text }),
  frame,
  z.object({ type: z.literal('condition'), condition }),
  z.object({ type: z.literal('facts'), facts }),
  z.object({ type: z.literal('result'), id: z.int(), result: z.unknown() }),
  z.object({ type: z.literal('threw'), id: z.int(), message: text }),
  z.object({ type: z.literal('pong'), id: z.int() }),
  z.object({ type: z.literal('stopped') }),
  z.object({
    type: z.literal('log'),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: text,
  }),
]);

const localText = z.strictObject({ en: z.string().min(1).max(1_000), 'zh-CN': text.optional() });
const optionName = z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/);

const option = z.strictObject({
  type: z.enum(['text', 'number', 'boolean', 'list']),
  about: localText,
  required: z.boolean().optional(),
  default: z.union([text, z.number(), z.boolean(), z.array(text).max(1_000)]).optional(),
  secret: z.boolean().optional(),
  words: z.array(word).min(1).max(64).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

const description: z.ZodType<DriverDescription> = z.strictObject({
  api: z.int(),
  kind: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  title: localText,
  version: z.string().min(1).max(64),
  icon: z
    .string()
    .max(16_384)
    .regex(/^\s*<svg[\s>]/)
    .optional(),
  options: z.record(optionName, option),
  errors: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), localText),
  content: z.strictObject({
    drops: z.array(z.enum(['hostName', 'healthCheck', 'dataCenterInfo', 'properties'])).optional(),
    statuses: z
      .array(z.enum(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']))
      .min(1)
      .optional(),
    otherStatus: z.enum(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']).optional(),
    shortestIntervalSeconds: count.optional(),
  }),
  renewBatchSize: z.int().min(1).max(10_000),
});

/**
 * Gives the description of a driver out of anything; throws an error that names what is wrong. The
 * handshake comes first: of another version nothing else is worth saying.
 */
export function readDescription(value: unknown): DriverDescription {
  const api: unknown =
    typeof value === 'object' && value !== null && 'api' in value ? value.api : undefined;
  if (typeof api === 'number' && api !== driverApi) {
    throw new Error(
      `it was written for version ${api} of the driver API, this syncer speaks version ${driverApi}: ` +
        (api > driverApi ? 'update the syncer' : 'update the driver'),
    );
  }
  const parsed = description.safeParse(value);
  if (!parsed.success) throw new Error(`its definition is wrong: ${firstIssue(parsed.error)}`);
  const { statuses, otherStatus = 'DOWN' } = parsed.data.content;
  if (statuses !== undefined && !statuses.includes(otherStatus)) {
    throw new Error(
      `its definition is wrong: content.otherStatus is ${otherStatus}, which is not among content.statuses`,
    );
  }
  return parsed.data;
}

/** Gives the first thing that is wrong, with its place. */
export function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue === undefined) return 'unknown';
  const place = issue.path.map(String).join('.');
  return place === '' ? issue.message : `${place}: ${issue.message}`;
}
