import { parentPort, workerData } from 'node:worker_threads';
import { parseProfile } from './jobs';
import { runJob } from './run-job';

/** What one of the threads is to do: some of the jobs, all policies. */
export interface Share {
  readonly seed: number;
  readonly days: number;
  readonly indexes: readonly number[];
  readonly profile: string | null;
}

const { seed, days, indexes, profile } = workerData as Share;
const run = { seed, days, ...(profile === null ? {} : { profile: parseProfile(profile) }) };
for (const index of indexes) parentPort?.postMessage({ index, totals: runJob(run, index) });
