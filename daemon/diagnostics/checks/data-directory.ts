// The data directory exists, is ours alone, and can be written.

import { access, constants, stat } from 'node:fs/promises';
import { fail, ok, skipped, warn, type Check } from '../check.ts';

export const dataDirectory: Check = {
  id: 'data-directory',
  async run({ dataDirectory: directory }) {
    const found = await stat(directory).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) return skipped('doctor.text.data-directory-absent', { directory });
    if (!found.isDirectory()) {
      return fail('doctor.text.data-directory-file', 'doctor.remedy.data-directory', { directory });
    }
    try {
      await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch {
      return fail('doctor.text.data-directory-rights', 'doctor.remedy.data-directory', {
        directory,
      });
    }
    const mode = found.mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return warn('doctor.text.data-directory-open', 'doctor.remedy.data-directory-open', {
        directory,
        mode: mode.toString(8).padStart(4, '0'),
      });
    }
    return ok('doctor.text.data-directory', { directory });
  },
};
