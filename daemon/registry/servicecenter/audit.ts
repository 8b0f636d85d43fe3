// The slow look beside the feed: the dump for what no find shows (tags, summaries) and to compare
// keys; the other addresses of the registry, whether they answer alike (§11, §12).

import type { ServiceCenterApi } from './api.ts';
import type { ServiceCenterSettings } from './options.ts';
import type { TenantReader } from './tenant-reader.ts';
import { AnswerError } from './wire.ts';

/** Above this many instances a dump costs more than it tells (§11: 10,000 are 6.6 MB). */
const dumpLimit = 10_000;
/** A dump may cost a hundredth of the time. */
const dumpFactor = 100;
const shortestDumpMs = 2_000;
/** How long after a difference between addresses it is looked at again before it is said. */
const secondLookMs = 1_500;

export interface Audit {
  /** Does what is due. What fails here is tried again; the rounds tell how the registry does. */
  look(cache: boolean): Promise<void>;
  /** How addresses differ; `undefined` while they do not, or only one is configured. */
  readonly nodesDiffer: string | undefined;
  readonly usesDump: boolean;
  /**
   * The dump of a registry that holds something is empty, twice: its cache is switched off, and what it
   * answers may be frozen (§12). 2.x says it nowhere else.
   */
  readonly cacheSeemsOff: boolean;
  readonly findings: Readonly<Record<string, string>>;
}

/** Gives the audit over all tenants. */
export function createAudit(
  api: ServiceCenterApi,
  settings: Pick<ServiceCenterSettings, 'auditMs' | 'addresses'>,
  readers: readonly TenantReader[],
  now: () => number,
  address: () => string,
): Audit {
  let dumpRefused = '';
  let dumpMs = 0;
  let dumpedAtMs = -Infinity;
  let comparedAtMs = now() - settings.auditMs + shortestDumpMs;
  let suspected = '';
  let nodesDiffer: string | undefined;
  let size = 0;
  let emptyDumps = 0;

  const dumpWanted = (cache: boolean): boolean => {
    size = readers.reduce((sum, { view }) => sum + view.size, 0);
    return cache && dumpRefused === '' && size <= dumpLimit;
  };

  const readDump = async (): Promise<void> => {
    const startMs = now();
    const dump = await api.dump();
    dumpedAtMs = now();
    dumpMs = dumpedAtMs - startMs;
    if (!dump.ok) {
      // Without admin rights, or gone in this release: the sweep does without.
      if (dump.trouble.kind === 'refused' && dump.trouble.status < 500) {
        dumpRefused = `HTTP ${dump.trouble.status} ${dump.trouble.code}`.trim();
      }
      return;
    }
    const holdsSomething = readers.some(({ view }) => view.services.size > 0);
    const isEmpty = Object.keys(dump.value).length === 0;
    emptyDumps = isEmpty && holdsSomething ? emptyDumps + 1 : 0;
    if (isEmpty && holdsSomething) return;
    try {
      for (const reader of readers) reader.takeDump(dump.value);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      dumpRefused = error.message;
    }
  };

  const compareNodes = async (): Promise<void> => {
    const difference = await firstDifference();
    // A change on its way explains one difference, not the same one twice.
    if (difference === undefined) nodesDiffer = undefined;
    else if (difference.kind === suspected) nodesDiffer = difference.detail;
    suspected = difference?.kind ?? '';
    const soon = suspected !== '' && nodesDiffer === undefined;
    comparedAtMs = soon ? now() - settings.auditMs + secondLookMs : now();
  };

  const firstDifference = async (): Promise<{ kind: string; detail: string } | undefined> => {
    for (const other of settings.addresses) {
      if (other === address()) continue;
      for (const { view } of readers) {
        const here = await api.listServices(view.tenant, address());
        const there = await api.listServices(view.tenant, other);
        if (!here.ok || !there.ok) continue;
        const apart = countApart(here.value, there.value);
        if (apart > 0) {
          const detail = `${other} and ${address()} differ in ${apart} services`;
          return { kind: `services ${other}`, detail };
        }
        const counts = await instanceCounts(view.tenant, other);
        if (counts === undefined) continue;
        const off = Math.abs(counts.here - counts.there);
        if (off > Math.max(5, counts.here / 10)) {
          const detail = `${other} has ${counts.there} instances, ${address()} has ${counts.here}`;
          return { kind: `instances ${other}`, detail };
        }
      }
    }
    return undefined;
  };

  const instanceCounts = async (
    tenant: TenantReader['view']['tenant'],
    other: string,
  ): Promise<{ here: number; there: number } | undefined> => {
    const here = await api.statistics(tenant, address());
    const there = await api.statistics(tenant, other);
    if (!here.ok || !there.ok) return undefined;
    return { here: here.value.instances, there: there.value.instances };
  };

  return {
    async look(cache) {
      const waitMs = Math.min(settings.auditMs, Math.max(shortestDumpMs, dumpMs * dumpFactor));
      if (dumpWanted(cache) && now() - dumpedAtMs >= waitMs) {
        await readDump();
      }
      if (settings.addresses.length > 1 && now() - comparedAtMs >= settings.auditMs) {
        await compareNodes();
      }
    },
    get nodesDiffer() {
      return nodesDiffer;
    },
    get cacheSeemsOff() {
      return emptyDumps >= 2;
    },
    get usesDump() {
      return dumpRefused === '' && size <= dumpLimit;
    },
    get findings() {
      const dump = dumpRefused !== '' ? `refused: ${dumpRefused}` : 'read';
      return {
        'change-feed': 'batch find with revisions',
        ...(emptyDumps >= 2
          ? { cache: 'off, as its empty dump says: every read goes past it' }
          : {}),
        dump: size > dumpLimit ? `not read above ${dumpLimit} instances` : dump,
      };
    },
  };
}

/** Services that only one of both lists names. */
function countApart(
  here: readonly { readonly serviceId: string }[],
  there: readonly { readonly serviceId: string }[],
): number {
  const ours = new Set(here.map(({ serviceId }) => serviceId));
  const common = there.filter(({ serviceId }) => ours.has(serviceId)).length;
  return ours.size + there.length - 2 * common;
}
