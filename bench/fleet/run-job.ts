import { enoughFor } from './flink-model';
import { DAY_MINUTES, type FleetJob, fleetJob, loadOf, zoneLoss } from './jobs';
import { managedFlink } from './policies/managed-flink';
import { operator } from './policies/operator';
import { sluice } from './policies/sluice';
import { peakSlots, staticPeak, TARGET_UTILIZATION } from './policies/static-peak';
import { targetTracking } from './policies/target-tracking';
import type { PolicyMaker } from './policy';
import { simulate, type Totals, type Trace } from './simulate';

export const OPERATOR = 'Kubernetes operator';
export const POLICIES: Readonly<Record<string, PolicyMaker>> = {
  Sluice: sluice(),
  [OPERATOR]: operator(),
  'Managed Flink': managedFlink,
  'Target tracking 60 %': targetTracking,
  'Static peak': staticPeak,
};

/** More parallelism than any policy may have: above the largest job's need in a burst of five times its peak at half of it used. */
const MOST_PARALLELISM = 200;
/** A week is simulated before the measured days: what is learnt, and what static peak is set by, comes from it. */
export const WARM_UP_DAYS = 7;

export interface FleetRun {
  readonly seed: number;
  readonly days: number;
  /** Rate at a second, records per second, that replaces the jobs' own curves; scaled to each job's size. */
  readonly profile?: (seconds: number) => number;
}

const curveOf = (job: FleetJob, { seed, profile }: FleetRun, minutes: number): Float64Array => {
  if (!profile) return loadOf(seed, job, minutes);
  const rates = Float64Array.from({ length: minutes }, (_, minute) => profile(minute * 60));
  const most = rates.reduce((a, b) => Math.max(a, b), 0);
  return rates.map((rate) => (rate / Math.max(1e-9, most)) * job.peak);
};

/** One job under each policy, with the same load, the same luck and the same lost zone. */
export const runJob = (
  run: FleetRun,
  index: number,
  policies: Readonly<Record<string, PolicyMaker>> = POLICIES,
  trace?: (policy: string, minute: Trace) => void,
): Record<string, Totals> => {
  const job = fleetJob(run.seed, index);
  const warmUp = WARM_UP_DAYS * DAY_MINUTES;
  const minutes = warmUp + run.days * DAY_MINUTES;
  const load = curveOf(job, run, minutes);
  const weekBefore = load.subarray(0, warmUp);
  const context = { job, weekBefore, most: MOST_PARALLELISM };
  const loss = zoneLoss(run.seed, minutes, warmUp);
  const first = enoughFor(job, load[0] ?? 0, TARGET_UTILIZATION, MOST_PARALLELISM);
  return Object.fromEntries(
    Object.entries(policies).map(([name, make]) => {
      const slots = make === staticPeak ? peakSlots(context) : first;
      const totals = simulate({
        job,
        seed: run.seed,
        load,
        warmUp,
        start: { source: slots, work: slots },
        policy: make(context),
        ...(loss.zone === job.zone ? { zoneLostAt: loss.minute } : {}),
        ...(trace ? { trace: (minute: Trace) => trace(name, minute) } : {}),
      });
      return [name, totals];
    }),
  );
};
