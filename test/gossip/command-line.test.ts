// The pool from the command line: two daemons, each beside a registry of its own; `members`, `query`
// (answered in the gossip, and paged over RPC where it is too long for that), `keys` and `leave`.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSites, type Site, type Sites } from '../e2e/sites.ts';
import { poll } from '../support/poll.ts';
import { syncer } from '../web/ui-session.ts';

const key = randomBytes(16).toString('base64');
const limitMs = 100_000;
const instances = 30;
/** Several polls, and a process for every command. */
const testMs = 600_000;

let sites: Sites;
let one: Site;
let two: Site;

async function run<T>(site: Site, ...args: readonly string[]): Promise<T> {
  return JSON.parse(await syncer(site.dataDir, ...args, '--json')) as T;
}

async function statuses(site: Site): Promise<Record<string, string>> {
  interface Listed {
    readonly members: readonly { readonly cluster: string; readonly status: string }[];
  }
  const { members } = await run<Listed>(site, 'members');
  return Object.fromEntries(members.map(({ cluster, status }) => [cluster, status]));
}

interface Found {
  readonly answers: readonly {
    readonly cluster: string;
    readonly total: number;
    readonly hits: readonly { readonly instances: readonly { readonly instanceId: string }[] }[];
  }[];
}

/** Asks until the other cluster has answered with everything: gossip may lose a query. */
async function found(service: string, total: number): Promise<readonly string[]> {
  return poll(
    async () => {
      const { answers } = await run<Found>(one, 'query', service).catch(() => ({ answers: [] }));
      const answer = answers.find(({ cluster }) => cluster === two.cluster);
      const ids = answer?.hits.flatMap((hit) => hit.instances.map(({ instanceId }) => instanceId));
      return answer?.total === total + 1 && ids?.length === total ? ids : undefined;
    },
    limitMs,
    500,
  );
}

describe('the pool from the command line', () => {
  beforeAll(async () => {
    sites = await startSites('lab', 2, () => ({ flags: ['--encrypt', key] }));
    [one, two] = sites.all as [Site, Site];
  }, 120_000);
  afterAll(() => sites.close(), 60_000);

  it(
    'lists members, and finds what another cluster holds, however long the answer',
    async () => {
      await poll(
        async () =>
          Object.values(await statuses(one)).join() === 'alive,alive' ? true : undefined,
        limitMs,
        500,
      );
      const few = await two.applications.service({ serviceName: 'few' });
      const few1 = await two.applications.instance(few);
      expect(await found('few', 1)).toEqual([few1]);

      const many = await two.applications.service({ serviceName: 'many' });
      const ids: string[] = [];
      for (let index = 0; index < instances; index += 1) {
        const wish = { hostName: `host-${index}`, endpoints: [`rest://10.0.0.${index}:8080`] };
        ids.push(await two.applications.instance(many, wish));
      }
      expect([...(await found('many', instances))].sort()).toEqual(ids.sort());
    },
    testMs,
  );

  it(
    'changes the key of the pool, and leaves it',
    async () => {
      const next = randomBytes(32).toString('base64');
      for (const change of [
        ['install', next],
        ['use', next],
        ['remove', key],
      ]) {
        await poll(() => syncer(one.dataDir, 'keys', ...change), limitMs, 500);
      }
      const listed = await poll(() => syncer(two.dataDir, 'keys', 'list'), limitMs, 500);
      expect(listed).toContain(next);
      expect(listed).not.toContain(key);
      expect(Object.values(await statuses(one))).toEqual(['alive', 'alive']);

      await syncer(two.dataDir, 'leave');
      await poll(
        async () => ((await statuses(one))[two.cluster] === 'left' ? true : undefined),
        limitMs,
        500,
      );
    },
    testMs,
  );
});
