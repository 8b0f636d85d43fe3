// A registry driver: what it says of itself, and how it reads. The feed of the kit does what is hard
// about reading: it compares, confirms what is missing, and tells a removal only when it is proven.

import {
  createRoundLoop,
  createSnapshotFeed,
  defineDriver,
  type OptionValues,
  type PluginDriver,
  type PluginEnvironment,
} from '@servicecenter-syncer/driver-kit';
import { Registry } from './registry.ts';
import { createWriter } from './writer.ts';

export const driver = defineDriver({
  api: 1,
  kind: 'my-registry',
  version: '0.1.0',
  title: { en: 'My registry', 'zh-CN': '我的注册中心' },
  options: {
    address: {
      type: 'text',
      required: true,
      about: {
        en: 'Where the registry is: http://host:port',
        'zh-CN': '注册中心地址：http://host:port',
      },
    },
    everyMs: {
      type: 'number',
      default: 500,
      minimum: 20,
      about: {
        en: 'Shortest time between two readings, milliseconds',
        'zh-CN': '两次读取的最短间隔（毫秒）',
      },
    },
    ownersWaitMs: {
      type: 'number',
      default: 120_000,
      minimum: 0,
      about: {
        en: 'How long owners get to come back to a registry that was empty, milliseconds',
        'zh-CN': '注册中心清空后，等待所有者重新注册的时间（毫秒）',
      },
    },
  },
  create,
});

function create(options: OptionValues, environment: PluginEnvironment): PluginDriver {
  const { clock, logger, random } = environment;
  const address = String(options.address);
  if (!URL.canParse(address)) throw new Error(`address '${address}' is none: http://host:port`);
  const registry = new Registry(address.replace(/\/+$/, ''));

  const feed = createSnapshotFeed({
    clock,
    logger,
    address: () => address,
    ownersWaitMs: Number(options.ownersWaitMs),
    again: () => loop.wake(),
  });
  const loop = createRoundLoop({
    clock,
    random,
    logger,
    pollMinMs: Number(options.everyMs),
    async round() {
      const startedMs = clock.monotonicMs();
      const all = await registry.all();
      if (all.ok) {
        loop.succeeded(clock.monotonicMs() - startedMs);
        feed.seen(all.value);
      } else {
        loop.failed();
        feed.failed(all.trouble);
      }
    },
  });

  return {
    facts: () => ({
      kind: 'my-registry',
      address,
      version: 'unknown',
      findings: { reading: 'whole, in rounds' },
      roundMs: loop.roundMs,
      intervalMs: loop.intervalMs,
    }),
    start(observer, memory) {
      feed.start(observer, memory);
      loop.start();
    },
    async stop() {
      feed.stop();
      await loop.stop();
    },
    wake: () => loop.wake(),
    ...createWriter(registry, () => loop.wake()),
  };
}
