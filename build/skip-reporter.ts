// Ends a test run with what was left out and why, what failed and with which words, and one line of
// totals: whoever sees only the end of a log sees what matters. A test that was skipped without a
// reason fails the run: nothing is left out in silence.

import type { Reporter, TestModule } from 'vitest/node';

export class SkipReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly { readonly message: string }[] = [],
  ): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped = new Map<string, string[]>();
    const silent: string[] = [];
    const secondTry: string[] = [];
    const failed: string[] = unhandled.map((error) => `outside a test: ${error.message}`);
    for (const module of modules) {
      failed.push(
        ...module.errors().map((error) => `${module.relativeModuleId}: ${error.message}`),
      );
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') {
          counts.passed += 1;
          if (test.diagnostic()?.flaky === true) {
            secondTry.push(`${module.relativeModuleId}: ${test.fullName}`);
          }
        } else if (result.state === 'failed') {
          counts.failed += 1;
          const why = result.errors[0]?.message ?? 'no message';
          failed.push(`${module.relativeModuleId}: ${test.fullName}\n      ${shortened(why)}`);
        } else {
          counts.skipped += 1;
          const reason =
            (result.state === 'skipped' ? result.note : undefined) ?? reasonIn(test.fullName);
          if (reason === undefined) silent.push(`${module.relativeModuleId}: ${test.fullName}`);
          else skipped.set(reason, [...(skipped.get(reason) ?? []), test.fullName]);
        }
      }
    }
    for (const [reason, names] of skipped) {
      console.log(`\nskipped, because ${reason}:`);
      for (const name of names) console.log(`  - ${name}`);
    }
    if (silent.length > 0) {
      console.log('\nskipped without a reason (this fails the run):');
      for (const name of silent) console.log(`  - ${name}`);
      process.exitCode = 1;
    }
    if (secondTry.length > 0) {
      console.log('\npassed at the second try only (each of them is a bug to be found):');
      for (const name of secondTry) console.log(`  - ${name}`);
    }
    if (failed.length > 0) {
      console.log('\nfailed:');
      for (const name of failed) console.log(`  - ${name}`);
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

/** A whole group is skipped with its reason in its title: `… (skipped: reason)`. */
function reasonIn(title: string): string | undefined {
  return /\(skipped: (.*?)\)/.exec(title)?.[1];
}

function shortened(message: string): string {
  const flat = message.replaceAll(/\s+/g, ' ');
  return flat.length > 600 ? `${flat.slice(0, 600)}…` : flat;
}
