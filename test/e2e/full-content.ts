// A service and an instance that use every field there is, for tests of what survives the copy.

import type { InstanceWish, ServiceWish } from '../support/application.ts';

export const fullService: ServiceWish = {
  serviceName: 'payment',
  appId: 'shop',
  version: '1.2.3',
  environment: 'development',
  alias: 'pay',
  description: 'takes money',
  level: 'FRONT',
  properties: { allowCrossApp: 'true', 'with.dots': 'a b', 中文: '值' },
  tags: { team: 'blue', tier: 'gold' },
  framework: { name: 'servicecomb-java-chassis', version: '2.8.3' },
  registerBy: 'SDK',
  paths: [{ path: '/pay', property: { allowCrossApp: 'true' } }],
  schemas: [
    { schemaId: 'pay.v1', summary: 'aa11', schema: 'swagger: "2.0"\ninfo: {title: pay}\n' },
    { schemaId: 'refund.v1', summary: 'bb22', schema: 'swagger: "2.0"\ninfo: {title: refund}\n' },
  ],
};

export const fullInstance: InstanceWish = {
  endpoints: [
    'rest://10.20.30.40:8080?sslEnabled=true',
    'highway://10.20.30.40:7070?login=true',
    'grpc://[fd00::7]:9090',
  ],
  hostName: 'pay-1.example.internal',
  status: 'TESTING',
  properties: { zone: 'a', weight: '7', 说明: '测试' },
  // 2.x raises what is less (5 s, 3 times), a native's as well.
  healthCheck: { mode: 'push', interval: 5, times: 3 },
  dataCenterInfo: { name: 'dc-north', region: 'north', availableZone: 'north-1' },
};
