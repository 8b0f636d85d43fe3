// How a daemon's process is started: by plain Node from a checkout, as a utility process of Electron
// in a package, where the fuses let nothing else run (build/README.md).

import { execFile, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { utilityProcess } from 'electron';

export interface LaunchedDaemon {
  readonly pid: number;
  /** Ends it without asking. */
  kill(): void;
}

export interface LaunchHooks {
  readonly onOutput: (text: string) => void;
  /** Once; `null`: ended by a signal. */
  readonly onExit: (code: number | null) => void;
}

/** What a command of the daemon's program has printed, once it has ended. */
export interface EndedRun {
  readonly output: string;
  readonly errors: string;
}

export interface Launcher {
  /** Starts the process. Rejects when there is no program to start. */
  launch(hooks: LaunchHooks): Promise<LaunchedDaemon>;
  /** Runs another command of the same program to its end, in `runTimeoutMs` at most. */
  run(args: readonly string[]): Promise<EndedRun>;
}

/** A command that only reads and writes a file; a busy machine takes seconds to load the program. */
const runTimeoutMs = 60_000;
/** Every key with its value and texts is less than 100 kB. */
const largestOutputBytes = 8 * 1024 * 1024;

export interface DaemonProgram {
  /** `dist/daemon/index.js`. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts with the Node of SYNCER_NODE_BINARY, that of the npm package `node`, or `node` of the path.
 * `followParent` is loaded before the program and ends it when this process is gone, however that
 * ended: its standard input closes then.
 */
export function nodeLauncher(program: DaemonProgram, followParent: string): Launcher {
  return {
    launch: (hooks) =>
      new Promise((resolve, reject) => {
        const args = ['--import', followParent, program.entry, ...program.args];
        const child = spawn(nodeBinary(program.environment), args, {
          env: program.environment,
          stdio: ['pipe', 'pipe', 'pipe'],
          windowsHide: true,
        });
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding('utf8').on('data', hooks.onOutput);
        }
        // The pipe breaks when the process dies first.
        child.stdin.on('error', () => undefined);
        child.once('error', reject);
        child.once('spawn', () => {
          child.once('close', hooks.onExit);
          resolve({ pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL') });
        });
      }),
    run: (args) =>
      new Promise((resolve, reject) => {
        const options = {
          env: program.environment,
          timeout: runTimeoutMs,
          maxBuffer: largestOutputBytes,
          windowsHide: true,
        };
        const command = [program.entry, ...args];
        execFile(nodeBinary(program.environment), command, options, (error, output, errors) => {
          // A code other than 0 has its reason in what was printed.
          if (error === null || typeof error.code === 'number') resolve({ output, errors });
          else reject(new Error(error.message, { cause: error }));
        });
      }),
  };
}

/** Starts as a utility process, which ends with this process in any case. */
export function utilityLauncher(program: DaemonProgram): Launcher {
  return {
    launch: (hooks) =>
      new Promise((resolve, reject) => {
        const child = utilityProcess.fork(program.entry, [...program.args], {
          env: program.environment,
          stdio: 'pipe',
          serviceName: 'ServiceCenter Syncer daemon',
        });
        child.stdout?.setEncoding('utf8').on('data', hooks.onOutput);
        child.stderr?.setEncoding('utf8').on('data', hooks.onOutput);
        const failed = (): void => reject(new Error(`${program.entry} could not be started`));
        child.once('exit', failed);
        child.once('spawn', () => {
          child.off('exit', failed);
          child.once('exit', hooks.onExit);
          const pid = child.pid ?? 0;
          // `child.kill()` asks (SIGTERM); this one does not.
          resolve({ pid, kill: () => void process.kill(pid, 'SIGKILL') });
        });
      }),
    run: (args) =>
      new Promise((resolve) => {
        const child = utilityProcess.fork(program.entry, [...args], {
          env: program.environment,
          stdio: 'pipe',
          serviceName: 'ServiceCenter Syncer command',
        });
        let output = '';
        let errors = '';
        child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
        child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
        const patience = setTimeout(() => child.kill(), runTimeoutMs);
        child.once('exit', () => {
          clearTimeout(patience);
          resolve({ output, errors });
        });
      }),
  };
}

function nodeBinary(environment: DaemonProgram['environment']): string {
  const named = environment.SYNCER_NODE_BINARY;
  if (named !== undefined && named !== '') return named;
  try {
    const folder = path.dirname(createRequire(__filename).resolve('node/package.json'));
    return path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return 'node';
  }
}
