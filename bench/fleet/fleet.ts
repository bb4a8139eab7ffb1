import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { POLICIES } from './run-job';
import type { Totals } from './simulate';
import type { Share } from './worker';

export interface PolicyTotals {
  readonly policy: string;
  readonly outsideMinutes: number;
  readonly vcpuHours: number;
  readonly dollars: number;
  readonly rescales: number;
  /** Jobs that were outside for more minutes than under Sluice. */
  readonly jobsWorse: number;
  readonly jobsBetter: number;
}

/**
 * List price of a vCPU-hour of c5 and c6i on demand in us-east-1 (c6i.xlarge, four of them, $0.17), as known in November 2025. All sizes of
 * these families cost the same by the vCPU. https://aws.amazon.com/ec2/pricing/on-demand/
 */
export const DOLLARS_PER_VCPU_HOUR = 0.17 / 4;

export const sumUp = (jobs: readonly Readonly<Record<string, Totals>>[]): PolicyTotals[] =>
  Object.keys(POLICIES).map((policy) => {
    const all = jobs.flatMap((job) => job[policy] ?? []);
    const sum = (figure: (totals: Totals) => number): number => all.reduce((total, one) => total + figure(one), 0);
    const against = (sign: number): number =>
      jobs.filter((job) => sign * ((job[policy]?.outsideMinutes ?? 0) - (job.Sluice?.outsideMinutes ?? 0)) > 0).length;
    const vcpuHours = sum((totals) => totals.vcpuHours);
    return {
      policy,
      outsideMinutes: sum((totals) => totals.outsideMinutes),
      vcpuHours,
      dollars: vcpuHours * DOLLARS_PER_VCPU_HOUR,
      rescales: sum((totals) => totals.rescales),
      jobsWorse: against(1),
      jobsBetter: against(-1),
    };
  });

export interface FleetProps {
  readonly seed: number;
  readonly days: number;
  readonly jobs: number;
  readonly threads: number;
  readonly profile: string | null;
  readonly signal: AbortSignal;
  readonly progress: (done: number) => void;
}

/** Runs all jobs under all policies, in threads. The result does not depend on how many. */
export const runFleet = async ({ seed, days, jobs, threads, profile, signal, progress }: FleetProps): Promise<PolicyTotals[]> => {
  const results: Record<string, Totals>[] = [];
  let done = 0;
  const one = (share: Share): Promise<void> =>
    new Promise((resolve, reject) => {
      // A thread does not take over how the main one reads TypeScript.
      const program = `require(${JSON.stringify(require.resolve('tsx/cjs'))});require(${JSON.stringify(join(__dirname, 'worker.ts'))})`;
      const worker = new Worker(program, { eval: true, workerData: share });
      const abort = (): void => {
        reject(signal.reason as Error);
        void worker.terminate();
      };
      signal.addEventListener('abort', abort, { once: true });
      worker.on('message', ({ index, totals }: { readonly index: number; readonly totals: Record<string, Totals> }) => {
        results[index] = totals;
        done += 1;
        progress(done);
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        signal.removeEventListener('abort', abort);
        if (code === 0) resolve();
        else reject(new Error(`a thread of the simulator ended with ${code}`));
      });
    });
  const all = Array.from({ length: jobs }, (_, index) => index);
  const shares = Array.from({ length: Math.min(threads, jobs) }, (_, thread) => all.filter((index) => index % threads === thread));
  await Promise.all(shares.map((indexes) => one({ seed, days, indexes, profile })));
  return sumUp(results);
};
