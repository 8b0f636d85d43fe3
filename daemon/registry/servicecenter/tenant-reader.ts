// One round over one tenant: services, finds, details, removals (servicecenter-api.md §11).

import type { Instance, Service } from '../../model/service.ts';
import type { RegistryChange } from '../driver.ts';
import type { NameKey, ServiceCenterApi } from './api.ts';
import { createContentBudget } from './content-budget.ts';
import { differingDetails, readDetails, readDump, type DumpedTenant } from './details.ts';
import type { Held } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { Tenant } from './options.ts';
import { createRemovals } from './removals.ts';
import { createTenantView, type NameEntry, type TenantView } from './tenant-view.ts';
import type { Continuity } from '../common/trust.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import { AnswerError, type ListedService } from './wire.ts';

/** Names in one find when most are unchanged (§11). */
const chunkOfKnown = 1_000;
/** What one answer of a full reading should weigh, in instances; it bounds the pause of a parse. */
const instancesAnAnswer = 4_000;
/** A name that changed is looked at more often for so long. Raising it costs the registry more. */
const livelyForMs = 30_000;
/** Details read at a time. Raising it starts faster and loads the registry more. */
const detailsParallel = 6;

interface Found {
  readonly trouble: Trouble | undefined;
  /** The list must be asked for names or services that differ. */
  readonly unexplained: boolean;
  /** What one unchanged name took at least, milliseconds; undefined: none was asked for. */
  readonly nameMs: number | undefined;
}

interface RoundContext {
  /** Monotonic, milliseconds. */
  now(): number;
  continuity(): Continuity;
  readonly cacheOff: boolean;
  readonly nodesDiffer: boolean;
  /** Services whose details the sweep reads in this round. */
  readonly sweep: number;
  /** Takes what is new as soon as it is read; removals come with the end of the round. */
  readonly told: (change: Pick<RegistryChange, 'services' | 'instances'>) => void;
}

export interface TenantRound {
  /** What was not told on the way. */
  readonly change: Omit<RegistryChange, 'seenAtMs'>;
  readonly trouble: Trouble | undefined;
  /** Time that the finds took, waiting included. */
  readonly findMs: number;
  /** What the finds of unchanged names cost the registry; undefined: there were none. */
  readonly costMs: number | undefined;
  /** Time that the list took, if it was asked for. */
  readonly listMs: number | undefined;
}

export interface Glance extends Pick<TenantRound, 'change' | 'trouble'> {
  /** It saw what only a whole round can settle. */
  readonly unsettled: boolean;
}

export interface TenantReader {
  readonly view: TenantView;
  round(context: RoundContext, listDue: boolean): Promise<TenantRound>;
  /** Finds only the liveliest `most` names. What needs more than that waits for a whole round. */
  glance(context: RoundContext, most: number): Promise<Glance>;
  /** How many names changed a short time ago, `most` at most. */
  livelyNames(nowMs: number, most: number): number;
  forgetRevisions(): void;
  /** Compares with a dump; what differs is read again in the next round. */
  takeDump(cache: Readonly<Record<string, unknown>>): void;
  held(): Held | undefined;
  readonly emptyFromStart: boolean;
  /** When the registry was last seen empty with nothing known of it. */
  readonly emptyFromStartUntilMs: number | undefined;
}

/** Gives the reader of one tenant. */
export function createTenantReader(tenant: Tenant, api: ServiceCenterApi): TenantReader {
  const view = createTenantView(tenant);
  const removals = createRemovals(view, api);
  const content = createContentBudget();
  const dirty = new Set<string>();
  let summaries: DumpedTenant['summaries'] | undefined;
  let sweepAt = 0;
  let empty = false;
  let lastEmptyMs: number | undefined;
  let everNamed = false;
  let emptyFromStartUntilMs: number | undefined;
  /** When any name changed last. */
  let changedAtMs = -Infinity;

  /** Lists, reads the details of what is new; gives services that changed. */
  const readServices = async (context: RoundContext): Promise<Trouble | undefined> => {
    const askedMs = context.now();
    const list = await api.listServices(tenant);
    if (!list.ok) return list.trouble;
    empty = list.value.length === 0;
    if (empty) lastEmptyMs = context.now();
    if (empty && !everNamed) emptyFromStartUntilMs = context.now();
    if (!empty) everNamed = true;
    const { differing, missing } = view.compareList(list.value, askedMs);
    removals.missingServices(missing);
    return loadDetails(differing, askedMs);
  };

  const loadDetails = async (
    services: readonly ListedService[],
    askedMs: number,
  ): Promise<Trouble | undefined> => {
    let trouble: Trouble | undefined;
    await eachLimited(services, detailsParallel, async (listed) => {
      if (trouble !== undefined) return;
      const details = await readDetails(api, tenant, listed);
      if (!details.ok) {
        // Removed between the list and this: the next list tells.
        if (details.trouble.kind !== 'refused' || details.trouble.code !== '400012') {
          trouble = details.trouble;
        }
        return;
      }
      const service = view.putService(listed, details.value, askedMs);
      if (service !== undefined) changed.set(service.serviceId, service);
    });
    return trouble;
  };

  /** Details of services whose list entry is unchanged. */
  const refreshDetails = async (context: RoundContext): Promise<Trouble | undefined> => {
    const ids = [...view.services.keys()];
    for (let step = 0; step < Math.min(context.sweep, ids.length); step += 1) {
      sweepAt = (sweepAt + 1) % ids.length;
      const id = ids[sweepAt];
      if (id !== undefined) dirty.add(id);
    }
    const services: ListedService[] = [];
    for (const id of dirty) {
      const known = view.services.get(id);
      if (known === undefined) continue;
      const { tags: _tags, schemas: _schemas, ...rest } = known.service;
      services.push({ ...rest, schemaIds: known.schemaIds });
    }
    dirty.clear();
    return loadDetails(services, context.now());
  };

  /** Read and not told yet. */
  const changed = new Map<string, Service>();
  const instances = new Map<string, Instance>();
  /** Names that the registry knows no more, while what was theirs is held. */
  const unknownNames = new WeakSet<NameEntry>();

  /** Finds `entries`, and tells what is new after each answer. */
  const find = async (
    context: RoundContext,
    entries: readonly NameEntry[],
    read: Map<NameEntry, number>,
  ): Promise<Found> => {
    let unexplained = false;
    let nameMs: number | undefined;
    for (const chunk of chunksOf(entries)) {
      const askedMs = context.now();
      const asked = chunk.map((entry): NameKey & { rev: string } => ({
        ...entry.key,
        rev: context.cacheOff ? '0' : entry.rev,
      }));
      const found = await api.batchFind(tenant, asked, context.cacheOff);
      if (!found.ok) return { trouble: found.trouble, unexplained, nameMs };
      if (asked[0]?.rev !== '0') {
        nameMs = Math.min(nameMs ?? Infinity, (context.now() - askedMs) / asked.length);
      }
      for (const [index, item] of found.value.entries()) {
        const entry = chunk[index];
        if (entry === undefined) continue;
        if (item.kind !== 'unknown-name') unknownNames.delete(entry);
        switch (item.kind) {
          case 'same':
            read.set(entry, askedMs);
            break;
          case 'updated': {
            if (item.rev === entry.rev) {
              read.set(entry, askedMs);
              break;
            }
            const known = entry.rev !== '0' || entry.instances.size > 0;
            if (known) content.spend(item.instances.length, askedMs);
            const result = tryApply(entry, item.instances, item.rev);
            if ('trouble' in result) return { trouble: result.trouble, unexplained, nameMs };
            for (const instance of result.changed) {
              instances.set(`${instance.serviceId}/${instance.instanceId}`, instance);
            }
            removals.missingInstances(entry, result.missing);
            if (known && result.changed.length + result.missing.length > 0) {
              changedAtMs = context.now();
              entry.changedAtMs = changedAtMs;
            }
            if (result.unknownServices.length > 0) unexplained = true;
            else read.set(entry, askedMs);
            break;
          }
          case 'unknown-name':
            removals.missingInstances(entry, view.allOf(entry));
            entry.rev = '0';
            if (!unknownNames.has(entry)) unexplained = true;
            unknownNames.add(entry);
            break;
          case 'trouble':
            return { trouble: badAnswer(item.detail), unexplained, nameMs };
        }
      }
      tellOnTheWay(context);
    }
    return { trouble: undefined, unexplained, nameMs };
  };

  /** Nobody waits for the rest of a round to hear what was read in its beginning. */
  const tellOnTheWay = ({ told }: RoundContext): void => {
    if (changed.size + instances.size > 0) told(takeNews());
  };

  const tryApply = (
    entry: NameEntry,
    found: readonly unknown[],
    rev: string,
  ): ReturnType<TenantView['applyFound']> | { readonly trouble: Trouble } => {
    try {
      return view.applyFound(entry, found, rev);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      entry.rev = '0';
      return { trouble: badAnswer(error.message) };
    }
  };

  const totalsAgree = async (): Promise<boolean> => {
    if (!removals.suspicious) return true;
    const totals = await api.statistics(tenant);
    if (!totals.ok) return false;
    const present = view.size - removals.heldInstances;
    return totals.value.instances <= present + Math.max(2, present / 50);
  };

  const takeNews = (): Pick<RegistryChange, 'services' | 'instances'> => {
    const news = { services: [...changed.values()], instances: [...instances.values()] };
    changed.clear();
    instances.clear();
    return news;
  };

  /** What is to be read again is not known to have been there. */
  const noteRead = (read: ReadonlyMap<NameEntry, number>): void => {
    for (const [entry, askedMs] of read) if (entry.rev !== '0') entry.lastReadMs = askedMs;
  };

  const isLively = ({ changedAtMs: atMs }: NameEntry, nowMs: number): boolean =>
    atMs !== undefined && atMs > nowMs - livelyForMs;

  /** It changes all the time, and its content has cost enough for now. */
  const rests = (entry: NameEntry, nowMs: number): boolean =>
    entry.rev !== '0' && isLively(entry, nowMs) && content.rests(entry.lastReadMs, nowMs);

  /** The names that changed last, at most `most`. */
  const lively = (nowMs: number, most: number): readonly NameEntry[] => {
    if (changedAtMs <= nowMs - livelyForMs) return [];
    return [...view.names.values()]
      .filter((entry) => isLively(entry, nowMs) && !rests(entry, nowMs))
      .sort((left, right) => (right.changedAtMs ?? 0) - (left.changedAtMs ?? 0))
      .slice(0, most);
  };

  /**
   * Whether the few absences that a glance noticed are all there are: a glance cannot see a loss of
   * most of the registry, so its totals are asked. While anything is held, a whole round decides.
   */
  const lostNoMore = async (): Promise<boolean> => {
    const { noticed, heldInstances } = removals;
    if (noticed.instances + noticed.services === 0) return true;
    if (heldInstances > 0 || noticed.services > 0) return false;
    const totals = await api.statistics(tenant);
    const left = view.size - noticed.instances;
    return totals.ok && totals.value.instances >= left - Math.max(2, left / 50);
  };

  return {
    view,
    async round(context, listDue) {
      const read = new Map<NameEntry, number>();
      let trouble: Trouble | undefined;
      let listMs: number | undefined;
      const list = async (): Promise<Trouble | undefined> => {
        const startMs = context.now();
        const listTrouble = await readServices(context);
        listMs = context.now() - startMs;
        return listTrouble;
      };
      const startMs = context.now();
      // Before anything is listed there are no names to find.
      if (listDue && view.names.size === 0) trouble = await list();
      const resting = new Set([...view.names.values()].filter((entry) => rests(entry, startMs)));
      const [listed, first, refreshed] = await Promise.all([
        listDue && listMs === undefined ? list() : undefined,
        find(
          context,
          [...view.names.values()].filter((entry) => !resting.has(entry)),
          read,
        ),
        refreshDetails(context),
      ]);
      trouble ??= first.trouble ?? listed;
      if (trouble === undefined && first.unexplained && !listDue) trouble = await list();
      if (trouble === undefined) {
        // New names, and those that the list has explained. How much is missing shows the whole alone.
        const { noticed, heldInstances } = removals;
        const isWhole = noticed.instances + noticed.services + heldInstances > 0;
        const rest = [...view.names.values()].filter(
          (entry) =>
            !read.has(entry) && !unknownNames.has(entry) && (isWhole || !resting.has(entry)),
        );
        trouble = (await find(context, rest, read)).trouble;
      }
      const { nameMs } = first;
      trouble ??= refreshed;
      const findMs = context.now() - startMs;

      const agree = await totalsAgree();
      const decided = await removals.decide({
        nowMs: context.now(),
        continuity: context.continuity(),
        empty,
        lastEmptyMs,
        totalsAgree: agree,
        nodesDiffer: context.nodesDiffer,
      });
      noteRead(read);
      return {
        change: { ...takeNews(), ...decided.removed },
        trouble: trouble ?? decided.troubles[0],
        findMs,
        costMs: nameMs === undefined ? undefined : nameMs * view.names.size,
        listMs,
      };
    },

    async glance(context, most) {
      const read = new Map<NameEntry, number>();
      const { trouble, unexplained } = await find(context, lively(context.now(), most), read);
      noteRead(read);
      const nothing = { removedInstances: [], removedServices: [] };
      const settled = trouble === undefined && (await lostNoMore());
      if (!settled || removals.noticed.instances === 0) {
        return {
          change: { ...takeNews(), ...nothing },
          trouble,
          unsettled: unexplained || !settled,
        };
      }
      const decided = await removals.decide({
        nowMs: context.now(),
        continuity: context.continuity(),
        empty,
        lastEmptyMs,
        totalsAgree: true,
        nodesDiffer: context.nodesDiffer,
      });
      return {
        change: { ...takeNews(), ...decided.removed },
        trouble: decided.troubles[0],
        unsettled: unexplained || removals.heldInstances > 0,
      };
    },

    livelyNames: (nowMs, most) => lively(nowMs, most).length,

    forgetRevisions: () => view.forgetRevisions(),
    takeDump(cache) {
      const dumped = readDump(cache, tenant);
      for (const id of differingDetails(view, dumped, summaries)) dirty.add(id);
      summaries = dumped.summaries;
      for (const entry of view.names.values()) {
        for (const key of entry.instances.keys()) if (!dumped.instances.has(key)) entry.rev = '0';
      }
      for (const key of dumped.instances) {
        const entry = view.entryOf(key.slice(0, key.indexOf('/')));
        if (entry !== undefined && !entry.instances.has(key)) entry.rev = '0';
      }
    },
    held: () => removals.held(),
    get emptyFromStart() {
      return empty && !everNamed;
    },
    get emptyFromStartUntilMs() {
      return emptyFromStartUntilMs;
    },
  };
}

/** Names with a rev by the thousand; those to be read in full so that one answer stays small. */
function* chunksOf(entries: readonly NameEntry[]): Generator<readonly NameEntry[]> {
  const known = entries.filter(({ rev }) => rev !== '0');
  for (let at = 0; at < known.length; at += chunkOfKnown) yield known.slice(at, at + chunkOfKnown);
  let chunk: NameEntry[] = [];
  let weight = 0;
  for (const entry of entries) {
    if (entry.rev !== '0') continue;
    // Of a name that was never read the size is unknown: some 100 such names an answer.
    weight += Math.max(instancesAnAnswer / 100, entry.instances.size);
    chunk.push(entry);
    if (weight < instancesAnAnswer) continue;
    yield chunk;
    chunk = [];
    weight = 0;
  }
  if (chunk.length > 0) yield chunk;
}
