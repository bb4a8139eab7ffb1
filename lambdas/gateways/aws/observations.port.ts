import type { JobRecord, LoadPoint } from '../../contracts/observation';
import type { PastRescale } from '../../contracts/scaling';
import type { ScalingDecision } from '../../domain/scaling/decision';

/**
 * What is seen of jobs over time: the newest observation, past rescales, the load of past days, and decisions with all that they follow from.
 * Reads are strongly consistent. All of it goes away by itself: observations and rescales a month after the last, loads after five weeks.
 */
export interface ObservationStorePort {
  latest(cluster: string, job: string): Promise<JobRecord | undefined>;
  /** Of all jobs of a cluster, in one read. */
  latestOf(cluster: string): Promise<readonly JobRecord[]>;
  /**
   * Replaces the newest observation of the job if it is still the one of `ifObservedBefore` (undefined: none yet). False when another pass
   * was faster; nothing is changed then.
   */
  put(record: JobRecord, ifObservedBefore: string | undefined): Promise<boolean>;
  /** Oldest first; the newest 200. */
  history(cluster: string, job: string): Promise<readonly PastRescale[]>;
  /** Repeated with the same `at`, the first stays. */
  appendRescale(cluster: string, job: string, rescale: PastRescale): Promise<void>;
  /** Adds what became known of the rescale of `at`. False when there is none. */
  markRescale(cluster: string, job: string, at: string, seen: Pick<Partial<PastRescale>, 'runningAt' | 'measured'>): Promise<boolean>;
  /** Records the highest input rate of ten minutes (`from` is their begin); a lower one than is stored changes nothing. */
  recordLoad(cluster: string, job: string, load: LoadPoint): Promise<void>;
  /** Highest input rates per ten minutes of the last `days` UTC days and today, oldest first. Ten minutes without an observation are not there. */
  load(cluster: string, job: string, days: number): Promise<readonly LoadPoint[]>;
  /**
   * Keeps the decision that an operation carries out, with its inputs.
   * @param onlyFirst not where one is kept of this operation already: false then
   */
  putDecision(operationId: string, decision: ScalingDecision, onlyFirst?: boolean): Promise<boolean>;
  decision(cluster: string, operationId: string): Promise<ScalingDecision | undefined>;
}
