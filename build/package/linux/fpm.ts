// Stands in for fpm, which electron-builder calls to make a Debian package: the same arguments, done
// with the dpkg-deb that every Debian has. fpm itself brings a Ruby and is fetched from elsewhere.

import { hash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const one = { type: 'string' } as const;
const many = { type: 'string', multiple: true, default: [] as string[] } as const;

/** What electron-builder gives for a Debian package; any other argument ends the program. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    force: { type: 'boolean' },
    'input-type': { ...one, short: 's' },
    'output-type': { ...one, short: 't' },
    depends: { ...many, short: 'd' },
    'deb-recommends': many,
    'deb-compression': one,
    'deb-priority': one,
    architecture: one,
    name: one,
    version: one,
    maintainer: one,
    vendor: one,
    url: one,
    license: one,
    category: one,
    description: one,
    package: one,
    'after-install': one,
    'after-remove': one,
    'before-remove': one,
    'config-files': many,
  },
});

function needed(name: 'package' | 'name' | 'version' | 'architecture' | 'maintainer'): string {
  const value = values[name];
  if (value === undefined || value === '') throw new Error(`--${name} is missing`);
  return value;
}

if (values['output-type'] !== 'deb') {
  throw new Error(`only Debian packages are made here, not ${values['output-type'] ?? 'nothing'}`);
}
const work = await mkdtemp(path.join(tmpdir(), 'syncer-deb-'));
try {
  for (const mapping of positionals) await put(mapping);
  await writeControl();
  const output = needed('package');
  await mkdir(path.dirname(output), { recursive: true });
  const method = values['deb-compression'] ?? 'xz';
  // gzip is asked for where it should go fast.
  const compression = method === 'gz' ? ['-Zgzip', '-z1'] : [`-Z${method}`];
  execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', work, output], {
    stdio: 'inherit',
  });
} finally {
  await rm(work, { recursive: true, force: true });
}

/** `source=/place`; a folder with a slash at its end gives what is in it. */
async function put(mapping: string): Promise<void> {
  const at = mapping.lastIndexOf('=');
  const source = mapping.slice(0, at);
  const place = path.join(work, mapping.slice(at + 1));
  await mkdir(path.dirname(place), { recursive: true });
  await cp(source, place, { recursive: true, verbatimSymlinks: true });
}

async function writeControl(): Promise<void> {
  const files = await filesBelow(work);
  const control = path.join(work, 'DEBIAN');
  await mkdir(control);
  await writeFile(path.join(control, 'control'), controlFields(files));
  await writeFile(path.join(control, 'md5sums'), await sums(files));
  const settings = values['config-files'];
  if (settings.length > 0) {
    await writeFile(path.join(control, 'conffiles'), `${settings.join('\n')}\n`);
  }
  const scripts = {
    postinst: values['after-install'],
    prerm: values['before-remove'],
    postrm: values['after-remove'],
  };
  for (const [name, source] of Object.entries(scripts)) {
    if (source === undefined) continue;
    await cp(source, path.join(control, name));
    await chmod(path.join(control, name), 0o755);
  }
}

interface PackedFile {
  readonly name: string;
  readonly bytes: number;
  readonly isLink: boolean;
}

/** Every file and link, sorted; folders get the rights that a package's must have. */
async function filesBelow(folder: string): Promise<readonly PackedFile[]> {
  const files: PackedFile[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) {
      await chmod(file, 0o755);
      continue;
    }
    const { size } = await lstat(file);
    files.push({
      name: path.relative(folder, file),
      bytes: size,
      isLink: entry.isSymbolicLink(),
    });
  }
  await chmod(folder, 0o755);
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function controlFields(files: readonly PackedFile[]): string {
  // In KiB, each file rounded up, as dpkg counts.
  const installed = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 1024), 0);
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['Package', needed('name')],
    ['Version', needed('version')],
    ['Section', values.category],
    ['Priority', values['deb-priority']],
    ['Architecture', needed('architecture')],
    ['Maintainer', needed('maintainer')],
    ['Installed-Size', String(installed)],
    ['Depends', values.depends.join(', ')],
    ['Recommends', values['deb-recommends'].join(', ')],
    ['Homepage', values.url],
    ['Description', values.description],
  ];
  return fields
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}: ${value ?? ''}\n`)
    .join('');
}

async function sums(files: readonly PackedFile[]): Promise<string> {
  const lines: string[] = [];
  for (const { name, isLink } of files) {
    if (isLink) continue;
    lines.push(`${hash('md5', await readFile(path.join(work, name)), 'hex')}  ${name}\n`);
  }
  return lines.join('');
}
