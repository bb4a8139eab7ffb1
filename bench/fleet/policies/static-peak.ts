import { enoughFor } from '../flink-model';
import type { PolicyContext, PolicyMaker } from '../policy';

export const TARGET_UTILIZATION = 0.7;

/** Highest mean of ten minutes. */
export const peakOf = (rates: Float64Array): number => {
  let [sum, most] = [0, 0];
  for (let minute = 0; minute < rates.length; minute += 1) {
    sum += (rates[minute] ?? 0) - (minute >= 10 ? (rates[minute - 10] ?? 0) : 0);
    most = Math.max(most, sum / Math.min(10, minute + 1));
  }
  return most;
};

/** What somebody sets who has seen a week: the highest ten minutes of it at the usual utilization, and never changes it. */
export const peakSlots = ({ job, weekBefore, most }: PolicyContext): number => enoughFor(job, peakOf(weekBefore), TARGET_UTILIZATION, most);

export const staticPeak: PolicyMaker = () => ({ decide: () => null });
