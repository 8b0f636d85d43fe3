// Room on the disk of the data directory, for the store, its log and the log files.

import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, ok, warn, type Check } from '../check.ts';

const mebibyte = 1024 * 1024;
/** The store of 150,000 instances takes some 100 MiB, and its write-ahead log as much again. */
const warnBelowMib = 1_024;
const failBelowMib = 200;

export const diskSpace: Check = {
  id: 'disk-space',
  async run({ dataDirectory }) {
    const { bavail, bsize } = await statfsOf(dataDirectory);
    const mib = Math.floor((bavail * bsize) / mebibyte);
    const values = { mib, directory: dataDirectory };
    if (mib < failBelowMib)
      return fail('doctor.text.disk-space', 'doctor.remedy.disk-space', values);
    if (mib < warnBelowMib)
      return warn('doctor.text.disk-space', 'doctor.remedy.disk-space', values);
    return ok('doctor.text.disk-space', values);
  },
};

/** Before the first start the directory is not there: what counts is the disk that it will be on. */
async function statfsOf(directory: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(directory);
  } catch (error) {
    const parent = dirname(directory);
    if (parent === directory) throw error;
    return statfsOf(parent);
  }
}
