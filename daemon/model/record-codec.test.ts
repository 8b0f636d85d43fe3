import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeInstance,
  decodeService,
  encodeInstance,
  encodeService,
  RecordError,
} from './record-codec.ts';
import type { Instance, Service } from './service.ts';

const stringMap = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });

const service: fc.Arbitrary<Service> = fc.record({
  serviceId: fc.string({ minLength: 1 }),
  domain: fc.string(),
  project: fc.string(),
  environment: fc.string(),
  app: fc.string(),
  name: fc.string({ minLength: 1 }),
  version: fc.string(),
  alias: fc.string(),
  description: fc.string(),
  level: fc.constantFrom('FRONT', 'MIDDLE', 'BACK'),
  status: fc.constantFrom('UP', 'DOWN'),
  registerBy: fc.constantFrom('', 'SDK'),
  framework: fc.option(fc.record({ name: fc.string(), version: fc.string() }), { nil: undefined }),
  properties: stringMap,
  tags: stringMap,
  schemas: fc.array(
    fc.record({
      id: fc.string(),
      summary: fc.string(),
      text: fc.option(fc.string(), { nil: undefined }),
    }),
  ),
  paths: fc.array(fc.record({ path: fc.string(), property: stringMap })),
});

const instance: fc.Arbitrary<Instance> = fc.record({
  serviceId: fc.string({ minLength: 1 }),
  instanceId: fc.string({ minLength: 1 }),
  endpoints: fc.array(fc.string()),
  hostName: fc.string(),
  status: fc.constantFrom('UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'),
  properties: stringMap,
  healthCheck: fc.option(
    fc.record({
      mode: fc.constantFrom('push', 'pull'),
      port: fc.nat(65_535),
      interval: fc.nat(10_000),
      times: fc.nat(100),
      url: fc.string(),
    }),
    { nil: undefined },
  ),
  dataCenterInfo: fc.option(
    fc.record({ name: fc.string(), region: fc.string(), availableZone: fc.string() }),
    { nil: undefined },
  ),
  version: fc.string(),
});

describe('record codec', () => {
  it('gives back every service that it wrote', () => {
    fc.assert(
      fc.property(service, (value) => {
        expect(decodeService(encodeService(value))).toEqual(value);
      }),
    );
  });

  it('gives back every instance that it wrote', () => {
    fc.assert(
      fc.property(instance, (value) => {
        expect(decodeInstance(encodeInstance(value))).toEqual(value);
      }),
    );
  });

  it('writes equal content as equal bytes, whatever the order of its maps', () => {
    fc.assert(
      fc.property(instance, (value) => {
        const reversed = Object.fromEntries(Object.entries(value.properties).reverse());
        expect(encodeInstance({ ...value, properties: reversed })).toEqual(encodeInstance(value));
      }),
    );
  });

  it('refuses arbitrary bytes with a RecordError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        for (const decode of [decodeInstance, decodeService]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
        }
      }),
    );
  });
});
