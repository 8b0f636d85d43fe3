// What electron-builder is told, validated by its own schema for every target; and the parts that are
// made for single systems.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Packager, type Configuration } from 'electron-builder';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../daemon/cli/commands.ts';
import { packageConfiguration } from '../../build/package/configuration.ts';
import { publisherFrom } from '../../build/package/publisher.ts';
import { writeShellFiles } from '../../build/package/shell-files.ts';
import { formsOf, targets } from '../../build/package/target.ts';
import { writeInstallerPart } from '../../build/package/windows/installer.ts';
import { root } from './bundles.ts';

type Environment = Readonly<Record<string, string>>;

let stage = '';

beforeAll(async () => {
  stage = await mkdtemp(path.join(tmpdir(), 'syncer-package-'));
  await mkdir(path.join(stage, 'app'));
  const facts = { name: 'servicecenter-syncer', version: '0.1.0', description: 'x' };
  await writeFile(path.join(stage, 'app/package.json'), JSON.stringify(facts));
});

afterAll(() => rm(stage, { recursive: true, force: true }));

function configuration(environment: Environment = {}): Configuration {
  return packageConfiguration({
    root,
    stage,
    output: path.join(stage, 'out'),
    electron: { version: '43.0.0', folder: undefined },
    publisher: publisherFrom(environment),
    quick: false,
    environment,
  });
}

/** As electron-builder does at each call, before it builds anything. */
async function validate(config: Configuration): Promise<void> {
  await new Packager({ projectDir: root, config }).validateConfig();
}

describe('the configuration of electron-builder', () => {
  it('is valid for all targets, unsigned and signed', async () => {
    await validate(configuration());
    await validate(
      configuration({
        CSC_LINK: 'certificate.p12',
        APPLE_API_KEY: 'key.p8',
        APPLE_API_KEY_ID: 'id',
        APPLE_API_ISSUER: 'issuer',
      }),
    );
  });

  it.each(['linux', 'deb', 'appImage', 'mac', 'dmg', 'win', 'nsis', 'electronFuses'] as const)(
    'would be refused with an unknown key in %s',
    async (part) => {
      const config = configuration();
      const broken = { ...config, [part]: { ...config[part], unheardOf: true } };
      await expect(validate(broken)).rejects.toThrow(`configuration.${part} should be`);
    },
  );

  it('names every form of every system, for both processors', () => {
    const { linux, mac, win } = configuration();
    const named = { linux, darwin: mac, win32: win };
    for (const { platform, processor } of targets) {
      const list = named[platform]?.target as readonly { target: string; arch: string[] }[];
      const forms = list.filter(({ arch }) => arch.includes(processor)).map((one) => one.target);
      // The folder is made on the way to any of them.
      expect(['dir', ...forms].sort()).toEqual([...formsOf[platform]].sort());
    }
  });

  it('names files that are there', () => {
    const { win, mac, deb, nsis } = configuration();
    for (const file of [
      win?.icon,
      mac?.icon,
      mac?.entitlements,
      deb?.afterInstall,
      deb?.afterRemove,
      deb?.appArmorProfile,
      nsis?.license,
    ]) {
      expect(existsSync(String(file)), String(file)).toBe(true);
    }
  });

  it('signs and notarises when the variables for it are set, and then must', () => {
    expect(configuration().mac).toMatchObject({ forceCodeSigning: false, notarize: false });
    expect(configuration().win?.forceCodeSigning).toBe(false);
    // A notary alone has nothing to look at.
    const notary = { APPLE_ID: 'a', APPLE_APP_SPECIFIC_PASSWORD: 'b', APPLE_TEAM_ID: 'c' };
    expect(configuration(notary).mac?.notarize).toBe(false);
    const signed = configuration({ ...notary, CSC_NAME: 'Somebody' });
    expect(signed.mac).toMatchObject({ forceCodeSigning: true, notarize: true });
    expect(signed.mac?.identity).toBeUndefined();
    expect(signed.win?.forceCodeSigning).toBe(false);
    expect(configuration({ WIN_CSC_LINK: 'x' }).win?.forceCodeSigning).toBe(true);
  });
});

describe('what is made for single systems', () => {
  it('the installer of Windows has every text in both languages', async () => {
    const file = path.join(stage, 'installer.nsh');
    await writeInstallerPart(file);
    const text = await readFile(file, 'utf8');
    const used = [...text.matchAll(/\$\((\w+)\)/g)].map(([, name]) => name);
    expect(used.length).toBeGreaterThan(0);
    for (const name of used) {
      for (const language of ['ENGLISH', 'SIMPCHINESE']) {
        expect(text).toMatch(
          new RegExp(`LangString ${String(name)} \\$\\{LANG_${language}\\} ".+"`),
        );
      }
    }
  });

  it('the manual page and the completions know every command', async () => {
    await writeShellFiles(stage, '0.1.0');
    const page = gunzipSync(await readFile(path.join(stage, 'man/man1/syncer.1.gz'))).toString();
    const chinese = gunzipSync(await readFile(path.join(stage, 'man/zh_CN/man1/syncer.1.gz')));
    const completions = await Promise.all(
      ['bash-completion/completions/syncer', 'zsh/vendor-completions/_syncer'].map((name) =>
        readFile(path.join(stage, name), 'utf8'),
      ),
    );
    for (const { name } of commands) {
      expect(page).toContain(`syncer ${name.replaceAll('-', '\\-')}`);
      for (const script of completions) expect(script).toContain(name);
    }
    expect(chinese.toString()).toContain('运行');
  });

  it('shells take the completions and the scripts of the Debian package', async () => {
    const bash = path.join(stage, 'bash-completion/completions/syncer');
    await writeShellFiles(stage, '0.1.0');
    execFileSync('bash', ['-n', bash]);
    for (const name of ['after-install.sh', 'before-remove.sh', 'after-remove.sh']) {
      execFileSync('sh', ['-n', path.join(root, 'build/package/linux', name)]);
    }
  });
});
