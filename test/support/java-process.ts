// A Java program of the tests as a process that takes orders: one JSON object a line goes in, answers and
// events come out (`Main.java` of each says which). Maven says where its jars are.

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
export const javaMissing: string | undefined = findMissing();

export interface JavaProcess {
  /** Gives what the program answers; rejects with its error, or when it has ended. */
  ask(command: string, order: object): Promise<unknown>;
  /** What it has told of itself so far, oldest first. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
}

const run = promisify(execFile);

/** Maven may have to load its plugins and the client first. */
const mavenLimitMs = 300_000;
/** A Java process compiles `Main.java` at its start; machines are busy. */
const startLimitMs = 120_000;
const answerLimitMs = 30_000;

const classPaths = new Map<string, Promise<string>>();

/**
 * Starts `src/main/java/Main.java` of the Maven project in `folder`; rejects, with what it said, if it
 * does not come up.
 */
export async function startJavaProcess(
  folder: string,
  args: readonly string[],
): Promise<JavaProcess> {
  if (javaMissing !== undefined) throw new Error(javaMissing);
  const classPath = classPaths.get(folder) ?? resolveClassPath(folder);
  classPaths.set(folder, classPath);
  const main = join(folder, 'src/main/java/Main.java');
  const options = ['-Xmx160m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const child = spawn(tools.java, [...options, '-cp', await classPath, main, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const orders = new Orders(child);
  await orders.ready();
  return orders;
}

interface Line {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly event?: string;
}

/** Orders and answers over the standard streams of the process. */
class Orders implements JavaProcess {
  readonly events: Readonly<Record<string, unknown>>[] = [];
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
    else this.events.push({ ...line });
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

/** Lets Maven load what the project needs and say where its jars are. */
async function resolveClassPath(folder: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'java-client-'));
  const file = join(directory, 'classpath');
  try {
    const goals = ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${file}`];
    await run(tools.maven, goals, { cwd: folder, timeout: mavenLimitMs });
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
