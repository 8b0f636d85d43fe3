// Flags over environment over YAML over defaults → the configuration, with the source of every
// value, and everything that is wrong at once. Pure: files and machine are passed in.

import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { checkValue } from './check.ts';
import { combinationProblems } from './combinations.ts';
import { optionsKey, readDriverOptions } from './driver-options.ts';
import { configKeys } from './keys.ts';
import type { ConfigKey } from './keys.ts';
import { readEnvironment, readFlags, readYaml } from './layers.ts';
import type { Layer, RawValue } from './layers.ts';
import { redacted, showValue, sourceName } from './problems.ts';
import type { ConfigProblem, Message, ValueSource } from './problems.ts';
import { configSchema } from './schema.ts';
import type { Config } from './schema.ts';
import { parseHostPort } from './values.ts';
import type { LocalText } from '../registry/plugin/definition.ts';

/** What defaults depend on. */
export interface Machine {
  readonly hostname: string;
  /** Where daemons of this user keep their data; each has a folder named for its node. */
  readonly stateRoot: string;
}

export interface ConfigInput {
  /** Flag → text, as commander gives them (`scAddr`) or as written (`sc-addr`). */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Gives a file's text, or throws with the reason. */
  readonly readFile: (file: string) => string;
  readonly machine: Machine;
}

/** One key as it is in force. */
export interface ConfigEntry {
  readonly key: string;
  /** As written; `<redacted>` for a secret that is set, `undefined` for a key without a value. */
  readonly value: unknown;
  readonly source: ValueSource;
  /** What a key that a driver brings is for; the others have theirs in the catalogue. */
  readonly about?: LocalText;
}

export interface LoadedConfig {
  /** `undefined`: there are problems. */
  readonly config: Config | undefined;
  readonly entries: readonly ConfigEntry[];
  readonly notices: readonly Message[];
  readonly problems: readonly ConfigProblem[];
}

/** Loads the configuration. Never throws; every mistake of every layer is in `problems`. */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const flags = readFlags(input.flags);
  const environment = readEnvironment(input.environment);
  const yaml = readConfigFile(input);
  const notices: Message[] = [];
  const problems = [...flags.problems, ...environment.problems, ...yaml.problems];

  // Every layer's values are checked, not only those that win: a mistake is a mistake.
  const values = new Map<string, RawValue>();
  const wrong = new Set<string>();
  for (const layer of [yaml, environment, flags]) {
    for (const key of configKeys) {
      const given = layer.values.get(key.path);
      if (given === undefined) continue;
      const raw = withSchemes(key, given, notices);
      const found = checkValue(key.path, key.schema, raw, key.secret);
      problems.push(...found);
      if (found.length > 0) wrong.add(key.path);
      values.set(key.path, raw);
    }
  }
  for (const key of wrong) values.delete(key);

  derive(values, wrong, input.machine, notices);
  problems.push(...combinationProblems(values));
  const driver = readDriverOptions(values);
  problems.push(...driver.problems);
  noticeLoopback(values, notices);
  return {
    config: problems.length === 0 ? assemble(values) : undefined,
    entries: configKeys.flatMap((key): readonly ConfigEntry[] =>
      key.path === optionsKey && driver.entries !== undefined
        ? driver.entries
        : [entryOf(key, values.get(key.path))],
    ),
    notices,
    problems,
  };
}

function readConfigFile(input: ConfigInput): Layer {
  const flag = input.flags.config;
  const variable = input.environment.SYNCER_CONFIG;
  const file = flag ?? variable;
  if (file === undefined || (flag === undefined && file === '')) {
    return { values: new Map(), problems: [] };
  }
  const source = flag === undefined ? 'SYNCER_CONFIG' : '--config';
  try {
    return readYaml(input.readFile(file), file);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const parameters = { file, reason, source };
    return { values: new Map(), problems: [{ code: 'config.file-unreadable', parameters }] };
  }
}

/** Addresses without a scheme are taken as http, with a notice. */
function withSchemes(key: ConfigKey, raw: RawValue, notices: Message[]): RawValue {
  if (key.path !== 'registry.addresses' && key.path !== 'cluster.etcd') return raw;
  if (!Array.isArray(raw.value)) return raw;
  const value = raw.value.map((address: unknown) => {
    if (typeof address !== 'string' || address.includes('://') || address === '') return address;
    const used = `http://${address}`;
    if (!URL.canParse(used) || used.includes('@')) return address;
    notices.push({
      key: 'notices.config.scheme-added',
      parameters: { key: key.path, value: address, source: sourceName(raw.source), used },
    });
    return used;
  });
  return { ...raw, value };
}

/** Fills in what depends on the machine or on other keys. */
function derive(
  values: Map<string, RawValue>,
  wrong: ReadonlySet<string>,
  machine: Machine,
  notices: Message[],
): void {
  const put = (key: string, from: string, value: string): void => {
    if (wrong.has(key) || values.has(key)) return;
    const source: ValueSource = { kind: 'derived', from };
    values.set(key, { value, source, sourceOf: () => source });
  };
  put('node', 'hostname, gossip.bind', nodeName(machine.hostname, rawOf(values, 'gossip.bind')));
  put('dataDir', 'node', path.join(machine.stateRoot, folderName(rawOf(values, 'node'))));

  if (values.has('clusterName') || wrong.has('clusterName')) return;
  const addresses = (rawOf(values, 'registry.addresses') as readonly string[]).map((address) =>
    address.replace(/\/+$/, ''),
  );
  // As the original does it: MD5 of the sorted addresses, joined by commas (go-syncer.md §1.1, §1.2).
  const name = createHash('md5')
    .update([...addresses].sort().join(','))
    .digest('hex');
  put('clusterName', 'registry.addresses', name);
  const loopback = addresses.find((address) => isLoopback(new URL(address).hostname));
  if (loopback !== undefined) {
    notices.push({
      key: 'notices.config.loopback-name',
      parameters: { address: loopback, name },
    });
  }
}

/**
 * The host's name alone where the syncer has the machine to itself, else with its address: node
 * names are unique in a pool, and machines that are clones of each other share their host name.
 */
function nodeName(hostname: string, bind: unknown): string {
  const place = parseHostPort(String(bind));
  const parts = [hostname === '' ? 'syncer' : hostname];
  if (place !== undefined && place.host !== '0.0.0.0' && place.host !== '::') {
    parts.push(place.host);
  }
  if (place !== undefined && place.port !== 30_190) parts.push(String(place.port));
  return parts.join('-').slice(0, 128);
}

function folderName(node: unknown): string {
  const name = String(node).replaceAll(/[^\w.-]/g, '_');
  return /^\.+$/.test(name) ? `_${name}` : name;
}

function noticeLoopback(values: ReadonlyMap<string, RawValue>, notices: Message[]): void {
  for (const key of ['gossip.bind', 'rpc.bind']) {
    const raw = values.get(key);
    const place = parseHostPort(String(raw?.value));
    if (raw === undefined || place === undefined || !isLoopback(place.host)) continue;
    notices.push({
      key: 'notices.config.loopback-bind',
      parameters: { key, value: showValue(raw.value), source: sourceName(raw.source) },
    });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');
}

/** The value in force, or the default. */
function rawOf(values: ReadonlyMap<string, RawValue>, path: string): unknown {
  const raw = values.get(path);
  return raw === undefined ? configKeys.find((key) => key.path === path)?.defaultValue : raw.value;
}

function entryOf(key: ConfigKey, raw: RawValue | undefined): ConfigEntry {
  if (raw === undefined) {
    return { key: key.path, value: key.defaultValue, source: { kind: 'default' } };
  }
  return { key: key.path, value: key.secret ? redacted : raw.value, source: raw.source };
}

/** Puts the checked values into the shape of the schema. */
function assemble(values: ReadonlyMap<string, RawValue>): Config {
  const tree = emptyGroups(configSchema);
  for (const [key, { value }] of values) {
    const names = key.split('.');
    let node: Record<string, unknown> = tree;
    for (const name of names.slice(0, -1)) node = node[name] as Record<string, unknown>;
    node[names.at(-1) ?? key] = value;
  }
  return configSchema.parse(tree);
}

function emptyGroups(schema: z.ZodObject): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema.shape).flatMap(([name, child]) =>
      child instanceof z.ZodObject ? [[name, emptyGroups(child)]] : [],
    ),
  );
}
