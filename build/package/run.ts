// Makes packages out of the bundles of `npm run build`.
//   node build/package/run.ts [--form dir|deb|…]… [--platform linux] [--processor x64]
//     [--bundles dist] [--output dist/package] [--electron FOLDER]
//     [--quick] [--no-verify]

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makePackages } from './make.ts';
import { formsOf, targets, thisMachine, type PackageTarget } from './target.ts';
import { unpackedFolder } from './unpacked.ts';
import { verifyPackage } from './verify/verify.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    dir: { type: 'boolean', default: false },
    form: { type: 'string', multiple: true, default: [] },
    platform: { type: 'string' },
    processor: { type: 'string' },
    bundles: { type: 'string', default: 'dist' },
    output: { type: 'string', default: 'dist/package' },
    electron: { type: 'string' },
    quick: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

const target = targetNamed(values.platform, values.processor);
const forms = values.dir ? ['dir'] : values.form;
const known = formsOf[target.platform];
for (const form of forms) {
  if (!known.includes(form)) {
    fail(`--form ${form} is none of ${target.platform}; there are ${known.join(', ')}`);
  }
}
const output = path.resolve(root, values.output);
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
};
const made = await makePackages({
  root,
  bundles: path.resolve(root, values.bundles),
  output,
  target,
  forms: forms.length > 0 ? forms : known,
  electronFolder:
    values.electron ?? process.env.ELECTRON_RUNTIME ?? process.env.ELECTRON_OVERRIDE_DIST_PATH,
  quick: values.quick,
  environment: process.env,
});
for (const file of made) console.log(path.relative(root, file));

if (values.verify) {
  const results = await verifyPackage({
    folder: unpackedFolder(output, target),
    target,
    version,
    environment: process.env,
  });
  for (const { name, problem, skipped } of results) {
    if (problem !== undefined) console.log(`FAIL ${name}: ${problem}`);
    else if (skipped !== undefined) console.log(`skip ${name}: ${skipped}`);
    else console.log(`ok   ${name}`);
  }
  if (results.some(({ problem }) => problem !== undefined)) process.exitCode = 1;
}

function targetNamed(platform: string | undefined, processor: string | undefined): PackageTarget {
  const own = thisMachine();
  const wish = { platform: platform ?? own.platform, processor: processor ?? own.processor };
  const found = targets.find(
    (one) => one.platform === wish.platform && one.processor === wish.processor,
  );
  return (
    found ??
    fail(`no packages are made for ${wish.platform} ${wish.processor}; see build/package/target.ts`)
  );
}

function fail(message: string): never {
  console.error(message);
  process.exit(64);
}
