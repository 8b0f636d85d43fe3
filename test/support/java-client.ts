// The official Java client of ServiceComb as a process that takes orders: what applications in the
// field use, so that a test can stand in their place.

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { poll } from './poll.ts';

/** Looked up on the PATH. */
const tools = { java: 'java', maven: 'mvn' } as const;

/** Undefined where Java and Maven are there, else what is missing (the name of a skipped test says it). */
export const javaClientMissing: string | undefined = findMissing();

/** What the client tells of an instance; the fields are those of the v4 API. */
interface JavaInstance {
  readonly serviceId: string;
  readonly instanceId: string;
  readonly hostName: string;
  readonly status: string;
  readonly version: string;
  readonly endpoints?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
}

interface JavaFound {
  /** False: the revision is still the one that was sent. */
  readonly modified: boolean;
  readonly revision: string;
  readonly instances?: readonly JavaInstance[];
}

export interface JavaClient {
  registerService(service: object): Promise<string>;
  registerSchema(serviceId: string, schemaId: string, schema: object): Promise<boolean>;
  register(instance: object): Promise<string>;
  heartbeat(serviceId: string, instanceId: string): Promise<boolean>;
  heartbeats(instances: readonly { serviceId: string; instanceId: string }[]): Promise<boolean>;
  /** Finds as this consumer, whose environment counts; the version defaults to all. */
  find(order: {
    readonly consumerId: string;
    readonly appId: string;
    readonly serviceName: string;
    readonly version?: string;
    readonly revision?: string;
  }): Promise<JavaFound>;
  /** The services that the client sees. */
  services(): Promise<readonly { serviceId: string; serviceName: string }[]>;
  /** Watches as this consumer; what comes is added to `changes`. */
  watch(serviceId: string): Promise<boolean>;
  unregister(serviceId: string, instanceId: string): Promise<boolean>;
  /** What the watch has heard so far, oldest first. */
  readonly changes: readonly { readonly appId: string; readonly serviceName: string }[];
  close(): Promise<void>;
}

const project = new URL('../interop/java-client/', import.meta.url).pathname;
const run = promisify(execFile);

/** Maven may have to load its plugins and the client first. */
const mavenLimitMs = 300_000;
/** A Java process compiles `Main.java` at its start. */
const startLimitMs = 60_000;
const answerLimitMs = 30_000;

let classPath: Promise<string> | undefined;

/** Starts the client against a registry; rejects, with what it said, if it does not come up. */
export async function startJavaClient(url: string): Promise<JavaClient> {
  if (javaClientMissing !== undefined) throw new Error(javaClientMissing);
  classPath ??= resolveClassPath();
  const main = join(project, 'src/main/java/Main.java');
  const child = spawn(tools.java, ['-Xmx128m', '-cp', await classPath, main, url], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const client = new Orders(child);
  await client.ready();
  const ask = <T>(command: string, order: object): Promise<T> =>
    client.ask(command, order) as Promise<T>;
  return {
    registerService: (service) => ask('registerService', { service }),
    registerSchema: (serviceId, schemaId, schema) =>
      ask('registerSchema', { serviceId, schemaId, schema }),
    register: (instance) => ask('register', { instance }),
    heartbeat: (serviceId, instanceId) => ask('heartbeat', { serviceId, instanceId }),
    heartbeats: (instances) => ask('heartbeats', { instances }),
    find: (order) => ask('find', order),
    services: () => ask('services', {}),
    watch: (serviceId) => ask('watch', { serviceId }),
    unregister: (serviceId, instanceId) => ask('unregister', { serviceId, instanceId }),
    changes: client.changes,
    close: () => client.close(),
  };
}

interface Line {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly event?: string;
  readonly appId?: string;
  readonly serviceName?: string;
}

/** Orders and answers over the standard streams of the process. */
class Orders {
  readonly changes: { appId: string; serviceName: string }[] = [];
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, Line>();
  #said = '';
  #isReady = false;
  #exited = false;
  #last = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('exit', () => (this.#exited = true));
    child.on('error', (error) => {
      this.#exited = true;
      this.#said += error.message;
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString('utf8')).slice(-4_000);
    });
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (text) => this.#onLine(JSON.parse(text) as Line));
    }
  }

  async ready(): Promise<void> {
    try {
      await this.#until(() => this.#isReady || undefined, startLimitMs);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async ask(command: string, order: object): Promise<unknown> {
    const id = ++this.#last;
    this.#child.stdin?.write(`${JSON.stringify({ ...order, id, command })}\n`);
    const { error, result } = await this.#until(() => this.#answers.get(id), answerLimitMs);
    this.#answers.delete(id);
    if (error !== undefined) throw new Error(`the Java client refuses ${command}: ${error}`);
    return result;
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
    await poll(() => this.#exited || undefined, answerLimitMs);
  }

  #onLine(line: Line): void {
    if (line.id !== undefined) this.#answers.set(line.id, line);
    else if (line.event === 'ready') this.#isReady = true;
    else this.changes.push({ appId: line.appId ?? '', serviceName: line.serviceName ?? '' });
  }

  async #until<T>(look: () => T | undefined, limitMs: number): Promise<T> {
    const orEnd = (): { found: T } | 'ended' | undefined => {
      const found = look();
      if (found !== undefined) return { found };
      return this.#exited ? 'ended' : undefined;
    };
    const said = (what: string): string => `the Java client ${what}; it said:\n${this.#said}`;
    const outcome = await poll(orEnd, limitMs, 20).catch((cause: unknown) => {
      throw new Error(said('does not answer'), { cause });
    });
    if (outcome === 'ended') throw new Error(said('has ended'));
    return outcome.found;
  }
}

/** Lets Maven load the client and say where its jars are. */
async function resolveClassPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'java-client-'));
  const file = join(directory, 'classpath');
  try {
    const goals = ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${file}`];
    await run(tools.maven, goals, { cwd: project, timeout: mavenLimitMs });
    return (await readFile(file, 'utf8')).trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function findMissing(): string | undefined {
  for (const tool of [tools.java, tools.maven]) {
    try {
      execFileSync(tool, ['-version'], { stdio: 'ignore' });
    } catch {
      return `no working ${tool} on the PATH (Java 17 and Maven are needed)`;
    }
  }
  return undefined;
}
