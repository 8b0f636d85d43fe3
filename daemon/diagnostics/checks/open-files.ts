// The limit of open files: each peer, each registry connection and each gossip stream takes one.

import { ok, skipped, warn, type Check } from '../check.ts';

const wanted = 1_024;

/** The part of Node's report that is read here. */
interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
}

export const openFiles: Check = {
  id: 'open-files',
  async run() {
    const report = process.report.getReport() as Report;
    const soft = report.userLimits?.open_files?.soft;
    if (soft === undefined) return skipped('doctor.text.open-files-unknown');
    if (soft === 'unlimited') return ok('doctor.text.open-files-unlimited');
    const limit = Number(soft);
    return limit < wanted
      ? warn('doctor.text.open-files', 'doctor.remedy.open-files', { limit, wanted })
      : ok('doctor.text.open-files', { limit, wanted });
  },
};
