// The check after packing: what must be in the folder is there, what must not is not, and everything
// that can be started on this machine starts.

import type { PackageTarget } from '../target.ts';
import { targetName, thisMachine } from '../target.ts';
import { placesIn } from '../unpacked.ts';
import { checkCommandLine, checkDemo } from './command-line.ts';
import { checkFiles } from './files.ts';
import { checkFuses } from './fuses.ts';
import { checkWindow, whyNoWindow } from './window.ts';

export interface VerifyInput {
  /** Gives the folder as unpacked.ts names it. */
  readonly folder: string;
  readonly target: PackageTarget;
  /** That every part must say. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Finding {
  readonly name: string;
  /** What is wrong. */
  readonly problem?: string;
  /** Why it could not be looked at. */
  readonly skipped?: string;
}

/** Looks at everything, and gives each finding; a check that cannot run says why. */
export async function verifyPackage(input: VerifyInput): Promise<readonly Finding[]> {
  const { folder, target, version, environment } = input;
  const { executable, resources } = placesIn(folder, target);
  const findings: Finding[] = [];
  const check = async (name: string, run: () => void | Promise<void>): Promise<void> => {
    try {
      await run();
      findings.push({ name });
    } catch (error) {
      findings.push({ name, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  await check('every file is there, and none that should not be', () =>
    checkFiles(executable, resources, target),
  );
  await check('fuses', () => checkFuses(executable));
  if (targetName(target) !== targetName(thisMachine())) {
    const foreign = `${targetName(target)} does not run on this machine`;
    findings.push({ name: 'everything that has to be started', skipped: foreign });
    return findings;
  }
  await check('command line', () => checkCommandLine(resources, target, version));
  await check('two daemons keep two registries in sync', () => checkDemo(resources, target));
  const window = 'window with a running daemon';
  const skipped = whyNoWindow(environment);
  if (skipped !== undefined) findings.push({ name: window, skipped });
  else await check(window, () => checkWindow(executable, version, environment));
  return findings;
}
