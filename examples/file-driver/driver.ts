// A registry that is a file: a site without a service centre lists its endpoints in YAML or JSON, and
// finds those of the other sites in a second file beside it. Both are watched.

import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  createRoundLoop,
  createSnapshotFeed,
  defineDriver,
  type OptionValues,
  type PluginDriver,
  type PluginEnvironment,
  type ReadingTrouble,
  type Snapshot,
} from '@servicecenter-syncer/driver-kit';
import { Copies, systemCode } from './copies.ts';
import { FormatError, parseFile } from './file-format.ts';
import { createWriter, type Registry } from './writer.ts';

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#3b82c4" d="M10 4h19l9 9v31H10z"/><path fill="#a9cdf0" d="M29 4v9h9z"/><path stroke="#fff" stroke-width="3" stroke-linecap="round" d="M17 22h14M17 29h14M17 36h8"/></svg>`;

export const driver = defineDriver({
  api: 1,
  kind: 'file',
  version: '1.0.0',
  title: { en: 'File of endpoints', 'zh-CN': '端点文件' },
  icon,
  options: {
    file: {
      type: 'text',
      required: true,
      about: {
        en: 'The YAML or JSON file with this site’s own services; it is only read',
        'zh-CN': '本站点自己服务的 YAML 或 JSON 文件；只读取',
      },
    },
    copies: {
      type: 'text',
      about: {
        en: 'The file in which the other sites’ services are written; beside the first one unless given',
        'zh-CN': '写入其他站点服务的文件；未给出时位于第一个文件旁边',
      },
    },
    everyMs: {
      type: 'number',
      default: 1_000,
      minimum: 20,
      about: {
        en: 'Longest time between two looks at the files, milliseconds; a change is seen earlier where the system tells of it',
        'zh-CN': '两次查看文件之间的最长时间（毫秒）；系统通知变更时会更早看到',
      },
    },
    ownersWaitMs: {
      type: 'number',
      default: 120_000,
      minimum: 0,
      about: {
        en: 'How long a file that was empty is not trusted after it is filled again, milliseconds',
        'zh-CN': '曾为空的文件重新填充后，在多长时间内不被信任（毫秒）',
      },
    },
  },
  errors: {
    missing: { en: 'the file is not there', 'zh-CN': '文件不存在' },
    unreadable: { en: 'the file cannot be read', 'zh-CN': '无法读取文件' },
    format: { en: 'the file does not say what it should', 'zh-CN': '文件内容不符合要求' },
  },
  create,
});

type Reading =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly trouble: ReadingTrouble };

function create(options: OptionValues, environment: PluginEnvironment): PluginDriver {
  const { clock, logger, random } = environment;
  const file = resolve(String(options.file));
  const copiesFile = resolve(String(options.copies ?? `${file}.copies.json`));
  const copies = new Copies(copiesFile, () => clock.nowMs());
  let watching = false;
  let watcher: FSWatcher | undefined;

  const readNatives = async (): Promise<Reading> => {
    try {
      return { ok: true, snapshot: parseFile(await readFile(file, 'utf8')) };
    } catch (error) {
      return { ok: false, trouble: troubleOf(error) };
    }
  };
  const troubleOf = (error: unknown): ReadingTrouble => {
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof FormatError) {
      const text = environment.errorText('format', detail);
      return { reason: 'bad-answer', detail: text, interrupts: false };
    }
    const code = systemCode(error) === 'ENOENT' ? 'missing' : 'unreadable';
    return { reason: 'unreachable', detail: environment.errorText(code, detail), interrupts: true };
  };

  const feed = createSnapshotFeed({
    clock,
    logger,
    address: () => file,
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
      const natives = await readNatives();
      if (!natives.ok) {
        loop.failed();
        feed.failed(natives.trouble);
        return;
      }
      await copies.refresh();
      if (copies.expire()) await copies.flush();
      loop.succeeded(clock.monotonicMs() - startedMs);
      feed.seen(merged(natives.snapshot, copies.snapshot));
    },
  });
  const registry: Registry = {
    copies,
    async natives() {
      const natives = await readNatives();
      if (!natives.ok) return natives;
      await copies.refresh();
      return natives;
    },
    changed: () => loop.wake(),
  };

  /** Tells of changes of either file; where the system cannot, the rounds find them. */
  const beginWatching = (): void => {
    const names = new Set([basename(file), basename(copiesFile)]);
    try {
      watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) loop.wake();
      });
      watching = true;
      watcher.on('error', (error) => {
        watching = false;
        logger.warn({ err: error }, 'the folder is no longer watched: looked at in rounds alone');
      });
    } catch (error) {
      logger.warn({ err: error }, 'the folder cannot be watched: looked at in rounds alone');
    }
  };

  return {
    facts: () => ({
      kind: 'file',
      address: file,
      version: file.endsWith('.json') ? 'json' : 'yaml',
      findings: { copies: copiesFile, watched: watching ? 'yes' : 'no' },
      roundMs: loop.roundMs,
      intervalMs: loop.intervalMs,
    }),
    start(observer, memory) {
      feed.start(observer, memory);
      beginWatching();
      loop.start();
    },
    async stop() {
      feed.stop();
      watcher?.close();
      await loop.stop();
    },
    wake: () => loop.wake(),
    ...createWriter(registry),
  };
}

/** Both files as one view; where both have a service, the site's own is meant. */
function merged(natives: Snapshot, copies: Snapshot): Snapshot {
  const own = new Set(natives.services.map(({ serviceId }) => serviceId));
  const services = [
    ...natives.services,
    ...copies.services.filter(({ serviceId }) => !own.has(serviceId)),
  ];
  const ids = new Set(services.map(({ serviceId }) => serviceId));
  // An instance whose service is gone is no instance any more.
  const instances = [...natives.instances, ...copies.instances].filter(({ serviceId }) =>
    ids.has(serviceId),
  );
  return { services, instances };
}
