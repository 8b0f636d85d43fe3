// What made-up applications register: most services small, some with all that a service can carry.

import { randomInt, type Random } from '../support/random.ts';

export interface MadeService {
  readonly service: {
    readonly appId: string;
    readonly serviceName: string;
    readonly version: string;
    readonly environment: string;
    readonly [field: string]: unknown;
  };
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly schemas: readonly { schemaId: string; schema: string; summary: string }[];
}

const environments = ['development', 'testing', 'acceptance', 'production'] as const;
const areas = ['orders', 'stock', 'payment', 'delivery', 'customers', 'search'] as const;

/** Gives service `number`: its name and key depend on the number alone. */
export function makeService(number: number, prefix: string, isFull: boolean): MadeService {
  const area = areas[number % areas.length] ?? '';
  const service = {
    appId: `${prefix}-${area}`,
    serviceName: `${area}-${String(number).padStart(5, '0')}`,
    version: `1.${number % 4}.0`,
    environment: environments[number % environments.length] ?? '',
  };
  if (!isFull) return { service, tags: undefined, schemas: [] };
  const schemas = ['query', 'command'].map((part) => ({
    schemaId: `${area}.${part}`,
    schema: openApi(service.serviceName, part),
    summary: `${area}${part}${number}`,
  }));
  return {
    service: {
      ...service,
      alias: `${service.appId}:${service.serviceName}`,
      description: `Made-up service ${number} of ${area}.`,
      level: ['FRONT', 'MIDDLE', 'BACK'][number % 3],
      schemas: schemas.map(({ schemaId }) => schemaId),
      paths: [{ path: `/${area}/v1`, property: { checksession: 'false' } }],
      properties: { team: area, tier: String(number % 3), allowCrossApp: 'true' },
      framework: { name: 'java-chassis', version: '2.8.30' },
      registerBy: 'SDK',
    },
    tags: { team: area, stage: 'lab' },
    schemas,
  };
}

function openApi(title: string, part: string): string {
  return [
    'swagger: "2.0"',
    `info: { title: "${title}", version: "1.0.0" }`,
    `basePath: /${part}`,
    'paths:',
    '  /items:',
    `    get: { operationId: ${part}Items, responses: { 200: { description: ok } } }`,
  ].join('\n');
}

/** Gives the content of an instance; `seconds` between its heartbeats, three of which may be missed. */
export function makeInstance(
  instanceId: string,
  number: number,
  seconds: number,
  random: Random,
): object {
  const host = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  return {
    instanceId,
    hostName: `host-${number}`,
    endpoints: [`rest://${host}:8080?sslEnabled=false`, `highway://${host}:7070`],
    status: 'UP',
    properties: { zone: `z${randomInt(random, 3)}`, build: String(randomInt(random, 100)) },
    healthCheck: { mode: 'push', interval: seconds, times: 3 },
    dataCenterInfo: { name: 'lab', region: 'r1', availableZone: `az${number % 3}` },
  };
}
