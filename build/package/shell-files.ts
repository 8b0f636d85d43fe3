// What a shell knows of `syncer`: completions, which the command itself writes, and manual pages, both
// below `share` as Unix systems have it.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { commands } from '../../daemon/cli/commands.ts';
import { completionScript, type Shell } from '../../daemon/cli/commands/completion.ts';
import { createTranslator, type Locale } from '../../proto/translate.ts';
import { manPage } from './man-page.ts';

/** Where each shell looks for completions of packages. */
const completionFiles: Readonly<Record<Shell, string>> = {
  bash: 'bash-completion/completions/syncer',
  zsh: 'zsh/vendor-completions/_syncer',
  fish: 'fish/vendor_completions.d/syncer.fish',
};

const manFolders: Readonly<Record<Locale, string>> = {
  en: 'man/man1',
  'zh-CN': 'man/zh_CN/man1',
};

/** Writes all of them below `share`. */
export async function writeShellFiles(share: string, version: string): Promise<void> {
  const say = createTranslator('en');
  for (const [shell, name] of Object.entries(completionFiles)) {
    await write(path.join(share, name), completionScript(shell as Shell, commands, say));
  }
  for (const [locale, folder] of Object.entries(manFolders)) {
    // Without a time stamp: the same sources give the same package.
    const page = gzipSync(manPage(locale as Locale, version), { level: 9 });
    await write(path.join(share, folder, 'syncer.1.gz'), page);
  }
}

async function write(file: string, content: string | Buffer): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}
