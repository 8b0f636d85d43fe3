// The calls of a Nacos server that the driver makes (peers.md §5), with their answers read.

import { badAnswer, type Outcome, type Trouble } from '../common/trouble.ts';
import type { Call, HttpClient } from './http-client.ts';
import type { NacosAddress, NacosSettings } from './options.ts';
import {
  AnswerError,
  decodeData,
  decodePage,
  decodePublications,
  encodeRegistration,
  targetForm,
  type Address,
  type NacosInstance,
  type Page,
  type Publication,
  type ServicePlace,
} from './wire.ts';

/** How a read is sent. */
interface How {
  readonly signal?: AbortSignal;
  readonly address?: NacosAddress;
}

export interface NacosApi {
  /** Everything in a project's namespace. */
  all(project: string): Promise<Outcome<readonly NacosInstance[]>>;
  /** Instances of one service as the server lists them: half a second old (README.md, "Reading"). */
  service(place: ServicePlace, how?: How): Promise<Outcome<readonly NacosInstance[]>>;
  /** The services in which the client at this address has registered an instance over HTTP, now. */
  publications(
    project: string,
    address: Address,
    signal: AbortSignal,
  ): Promise<Outcome<readonly Publication[]>>;
  register(instance: NacosInstance, signal: AbortSignal): Promise<Outcome<void>>;
  /** `false`: the server does not know it. */
  renew(target: ServicePlace & Address, signal: AbortSignal): Promise<Outcome<boolean>>;
  /** Takes away what is at this address, whoever registered it over HTTP. */
  deregister(target: ServicePlace & Address, signal: AbortSignal): Promise<Outcome<void>>;
  /** What the server calls its version; `undefined`: it does not say. */
  version(): Promise<string | undefined>;
}

/** Pages of a reading that did not fit together are read again this often. */
const readings = 3;
const instancePath = '/v3/client/ns/instance';
/** Code of an answer to a renewal of what is not there. */
const instanceUnknown = 21_003;

/** Gives the calls. */
export function createApi(
  http: HttpClient,
  settings: Pick<NacosSettings, 'namespace' | 'pageSize'>,
): NacosApi {
  const namespaceOf = (project: string): string =>
    project === 'default' ? settings.namespace : project;

  const ask = async <T>(call: Call, decode: (body: unknown) => T): Promise<Outcome<T>> => {
    const answer = await http.call(call);
    if (answer.kind !== 'ok') return { ok: false, trouble: answer };
    try {
      return { ok: true, value: decode(answer.body) };
    } catch (error) {
      if (error instanceof AnswerError) {
        return { ok: false, trouble: badAnswer(`${call.method} ${call.path}: ${error.message}`) };
      }
      throw error;
    }
  };
  const write = (method: 'POST' | 'DELETE', form: URLSearchParams, signal: AbortSignal) =>
    ask({ method, path: instancePath, form, use: 'write', signal }, (body) => {
      decodeData(body);
    });

  const page = (
    project: string,
    number: number,
    filter: Readonly<Record<string, string>>,
    how: How,
  ): Promise<Outcome<Page>> => {
    const form = new URLSearchParams({
      namespaceId: namespaceOf(project),
      pageNo: String(number),
      pageSize: String(settings.pageSize),
      withInstances: 'true',
      ...filter,
    });
    const path = '/v3/admin/ns/service/list';
    return ask({ method: 'GET', path, form, use: 'read', ...how }, (body) =>
      decodePage(decodeData(body), project),
    );
  };

  /** All pages; services that came or went between two of them make it begin anew. */
  const pages = async (
    project: string,
    filter: Readonly<Record<string, string>>,
    how: How = {},
  ): Promise<Outcome<readonly NacosInstance[]>> => {
    let trouble: Trouble = badAnswer('no page was read');
    for (let reading = 0; reading < readings; reading += 1) {
      const services = new Set<string>();
      const instances: NacosInstance[] = [];
      const totals = new Set<number>();
      let last = 1;
      for (let number = 1; number <= last; number += 1) {
        const read = await page(project, number, filter, how);
        if (!read.ok) return read;
        last = read.value.pages;
        totals.add(read.value.total);
        for (const service of read.value.services) services.add(service);
        for (const instance of read.value.instances) instances.push(instance);
      }
      if (totals.size === 1 && totals.has(services.size)) return { ok: true, value: instances };
      trouble = badAnswer(
        `the pages of namespace '${namespaceOf(project)}' do not fit together: ` +
          `${services.size} services, the server counts ${[...totals].join(', then ')}`,
      );
    }
    return { ok: false, trouble };
  };

  return {
    all: (project) => pages(project, {}),

    async service(place, how) {
      const { project, group, name } = place;
      const filter = { serviceNameParam: patternOf(name), groupNameParam: patternOf(group) };
      const found = await pages(project, filter, how);
      if (!found.ok) return found;
      const own = found.value.filter((each) => each.name === name && each.group === group);
      return { ok: true, value: own };
    },

    publications(project, { ip, port }, signal) {
      const form = new URLSearchParams({ clientId: `${ip}:${port}#true` });
      const path = '/v3/admin/ns/client/publish/list';
      const call: Call = { method: 'GET', path, form, use: 'write', signal };
      return askUnlessUnknown(ask, call, (data) => decodePublications(data, namespaceOf(project)));
    },

    register(instance, signal) {
      return write('POST', encodeRegistration(instance, namespaceOf(instance.project)), signal);
    },

    renew(target, signal) {
      const form = new URLSearchParams({
        ...targetForm(target, namespaceOf(target.project)),
        heartBeat: 'true',
        ephemeral: 'true',
      });
      const call: Call = { method: 'POST', path: instancePath, form, use: 'write', signal };
      return ask(call, (body) => {
        const { code } = (body ?? {}) as { readonly code?: unknown };
        if (code === instanceUnknown) return false;
        decodeData(body);
        return true;
      });
    },

    deregister(target, signal) {
      const form = targetForm(target, namespaceOf(target.project));
      return write('DELETE', new URLSearchParams({ ...form, ephemeral: 'true' }), signal);
    },

    async version() {
      const path = '/v3/admin/core/state';
      const state = await ask(
        { method: 'GET', path, form: new URLSearchParams(), use: 'read' },
        decodeData,
      );
      if (!state.ok || typeof state.value !== 'object' || state.value === null) return undefined;
      const { version } = state.value as { readonly version?: unknown };
      return typeof version === 'string' ? version : undefined;
    },
  };
}

/** The filter takes a pattern and finds parts of names too: a name with brackets would find nothing. */
function patternOf(name: string): string {
  return name.replace(/[^\w-]/gu, '.');
}

/** A client that has nothing registered is 404: it has no publications. */
async function askUnlessUnknown<T>(
  ask: <U>(call: Call, decode: (body: unknown) => U) => Promise<Outcome<U>>,
  call: Call,
  decode: (data: unknown) => readonly T[],
): Promise<Outcome<readonly T[]>> {
  const found = await ask(call, (body) => decode(decodeData(body)));
  const unknown = !found.ok && found.trouble.kind === 'refused' && found.trouble.status === 404;
  return unknown ? { ok: true, value: [] } : found;
}
